/* api_export.c - a message's content, to be kept outside the agent.
 *
 * Guarantees: health, mental-health and trafficking content leaves only with two
 * holders of its compartment (release.c); the timeline says that it was exported and
 * by whom, before anything is answered; it counts as an opening, with all that is
 * checked and told at one. What becomes of the file is out of the agent's hands: what
 * a person may read they can also copy, and no program changes that. */
#include "api.h"

#include "corridor/codec.h"
#include "corridor/json.h"
#include "corridor/refusal.h"

#include <stdio.h>
#include <string.h>

static bool released(api_request *q, const Corridor__V1__Header *header, release *r, cor_error *err) {
  const Corridor__V1__Compartment c = header->compartment;
  *r = (release){.first = q->named ? q->holder.user : "", .second = NULL};
  if (q->has_second && !release_by(q->a, &q->holder, &q->second, COR_BIT(c), r, err)) return false;
  return !release_for_export(header) || release_given(r, c, err);
}

static bool note_export(api_request *q, const store_message *m, const release *r, cor_error *err) {
  char who[RELEASE_TEXT];
  release_text(r, who);
  store_event event = {.event = "exported",
                       .at = cor_clock_now(q->a->clock),
                       .type = m->type,
                       .compartment = m->compartment,
                       .outgoing = m->outgoing,
                       .peer = m->peer,
                       .detail = r->second != NULL ? who : r->first};
  memcpy(event.handle, m->handle, COR_ID_LEN);
  memcpy(event.message_id, m->id, COR_ID_LEN);
  if (!store_begin(q->a->store, err)) return false;
  if (store_event_put(q->a->store, &event, err)) return store_commit(q->a->store, err);
  store_rollback(q->a->store);
  return false;
}

bool api_post_export(api_request *q, cor_error *err) {
  static const char *const members[] = {NULL};
  store_message m = {0};
  release r;
  json_t *content = NULL;
  if (!api_only(q->body, members, err) || !api_find_message(q, &m, err)) return false;
  Corridor__V1__Header *header = open_header(&m, err);
  if (header != NULL && released(q, header, &r, err))
    content = open_content(q->a, &m, q->named ? &q->holder : NULL, err);
  if (content != NULL && note_export(q, &m, &r, err)) {
    q->reply = api_message_json(&m);
    json_object_set_new(q->reply, "header", cor_json_write(&header->base));
    json_object_set(q->reply, "content", content);
  }
  json_decref(content);
  if (header != NULL) cor_message_free(&header->base);
  store_message_clear(&m);
  return q->reply != NULL;
}
