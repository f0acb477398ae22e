/* core_alone.c - one core of the real broker, told what to do line by line.
 *
 * For: tests/integration/core_alone.py, which makes the cluster and judges. A line
 * is commands with their words, a ";" between two; it is answered by a line of JSON:
 *
 *   open CONNECTION OFFICE WINDOW BYTES    a session as if its HELLO was accepted
 *   crowd FIRST COUNT                      so many sessions of offices nobody knows
 *   hello CONNECTION OFFICE WINDOW BYTES LIST
 *                                          HELLO on a new connection
 *   fill BYTES                             as if so much waited for the door already
 *   count OFFICE MESSAGES BYTES            what memory holds to be in flight
 *   claim, sweep, recount, follow, cards   one turn of that room
 *   bring OFFICE CONTROL BODY              a SEND from two files, into the next round
 *   admit                                  settles the round
 *
 * An answer has what a door would have had to carry ("heard": connection, command,
 * its number, bytes), each session's windows, and what the command itself found.
 * Guarantees: one thread; nothing happens but what a line asks for. Judges nothing.
 * Fatal: a line it does not understand, and what fails on the way. */
#include "admit.h"
#include "alone.h"
#include "claim.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "intake.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 5, LINE_MAX_LEN = 1024, HEARD_POLLS = 30, HEARD_MS = 1000 };

typedef struct told {
  core c;
  alone_door door;
  round_t round;
  bool first; /* of a list that is being printed */
} told;

static uint64_t number(const char *word) {
  char *end;
  const uint64_t value = strtoull(word, &end, 10);
  if (*end) alone_die("not a number", NULL);
  return value;
}

static const char *comma(told *a) {
  const char *before = a->first ? "" : ", ";
  a->first = false;
  return before;
}

/* ---- what the core says, at the door ---- */

static const char *const commands[] = {
    [COR_WELCOME] = "WELCOME", [COR_RESULTS] = "RESULTS", [COR_DELIVER] = "DELIVER",
    [COR_CARDS] = "CARDS",     [COR_PONG] = "PONG",       [COR_BYE] = "BYE"};

/* The number that tells one from another: of a delivery, a list, a reason. */
static uint64_t number_of(size_t command, cor_bytes control) {
  static const ProtobufCMessageDescriptor *const types[] = {
      [COR_DELIVER] = &corridor__v1__delivery__descriptor,
      [COR_CARDS] = &corridor__v1__signed_content__descriptor,
      [COR_BYE] = &corridor__v1__bye__descriptor};
  uint64_t value = 0;
  if (command >= sizeof types / sizeof *types || !types[command]) return value;
  ProtobufCMessage *m = protobuf_c_message_unpack(types[command], NULL, control.len, control.data);
  if (!m) alone_die("the core said what nobody can read", NULL);
  if (command == COR_DELIVER) value = ((Corridor__V1__Delivery *)m)->sequence;
  if (command == COR_BYE) value = ((Corridor__V1__Bye *)m)->code;
  if (command == COR_CARDS) {
    const ProtobufCBinaryData content = ((Corridor__V1__SignedContent *)m)->content;
    Corridor__V1__CardList *list = corridor__v1__card_list__unpack(NULL, content.len, content.data);
    if (!list) alone_die("the core sent no list", NULL);
    value = list->number;
    corridor__v1__card_list__free_unpacked(list, NULL);
  }
  protobuf_c_message_free_unpacked(m, NULL);
  return value;
}

static void print_heard(told *a, const channel_head *head, zmq_msg_t *parts, size_t n) {
  size_t bytes = 0;
  for (size_t i = 0; i < n; i++)
    bytes += zmq_msg_size(&parts[i]);
  if (head->kind == CHANNEL_CUT)
    printf("%s[%" PRIu64 ", \"CUT\", %" PRIu64 ", 0]", comma(a), head->connection, head->number);
  if (head->kind != CHANNEL_SEND) return;
  const size_t command = ((const uint8_t *)zmq_msg_data(&parts[0]))[1];
  const cor_bytes control = {zmq_msg_data(&parts[1]), zmq_msg_size(&parts[1])};
  printf("%s[%" PRIu64 ", \"%s\", %" PRIu64 ", %zu]", comma(a), head->connection, commands[command],
         number_of(command, control), bytes);
}

/* False: nothing there. *last: the mark behind all that the core said so far. */
static bool hear_one(told *a, bool *last) {
  zmq_msg_t parts[1 + COR_FRAMES_MAX];
  channel_head head;
  size_t n = 0;
  do {
    zmq_msg_init(&parts[n]);
    if (zmq_msg_recv(&parts[n], a->door.socket, ZMQ_DONTWAIT) < 0) {
      zmq_msg_close(&parts[n]);
      return false;
    }
  } while (zmq_msg_more(&parts[n++]) && n <= COR_FRAMES_MAX);
  if (!channel_head_read((cor_bytes){zmq_msg_data(&parts[0]), zmq_msg_size(&parts[0])}, &head))
    alone_die("not the channel's", NULL);
  *last = head.connection == UINT64_MAX;
  if (!*last) print_heard(a, &head, parts + 1, n - 1);
  while (n)
    zmq_msg_close(&parts[--n]);
  return true;
}

/* All that the core has said so far, and a mark behind it. */
static void hear(told *a) {
  bool marked = false, last = false;
  printf("\"heard\": [");
  a->first = true;
  for (int i = 0; !last && i < HEARD_POLLS;) {
    const bool waiting = doorway_flush(a->c.doorway);
    if (!waiting && !marked) {
      doorway_cut(a->c.doorway, UINT64_MAX, 0);
      marked = true;
      continue;
    }
    zmq_pollitem_t items[] = {{.socket = a->door.socket, .events = ZMQ_POLLIN},
                              {.socket = doorway_socket(a->c.doorway), .events = ZMQ_POLLOUT}};
    i += zmq_poll(items, waiting ? 2 : 1, HEARD_MS) <= 0;
    while (!last && hear_one(a, &last))
      continue;
  }
  if (!last) alone_die("the core's words did not come out", NULL);
  printf("]");
}

static void print_sessions(told *a) {
  printf(", \"sessions\": {");
  a->first = true;
  for (size_t i = 0; i < a->c.sessions->n; i++) {
    const session *s = &a->c.sessions->list[i];
    if (s->open)
      printf("%s\"%s\": {\"window\": %" PRIu32 ", \"windowBytes\": %" PRIu64 ", \"inFlight\": %" PRIu32
             ", \"inFlightBytes\": %" PRIu64 "}",
             comma(a), s->office, s->window, s->window_bytes, s->in_flight, s->in_flight_bytes);
  }
  printf("}");
}

/* ---- the commands: each prints what it found, and a comma ---- */

static void opened(told *a, uint64_t connection, const char *office, uint32_t window, uint64_t bytes) {
  session *s = session_add(a->c.sessions, connection, office);
  if (!s) alone_die("no room for a session", NULL);
  s->open = s->due = true;
  s->window = window;
  s->window_bytes = bytes;
}

static void on_open(told *a, char **word) {
  session *former = session_of(a->c.sessions, word[1]);
  if (former) session_remove(a->c.sessions, former->connection);
  opened(a, number(word[0]), word[1], (uint32_t)number(word[2]), number(word[3]));
}

static void on_crowd(told *a, char **word) {
  for (uint64_t i = 0; i < number(word[1]); i++) {
    char office[COR_OFFICE_MAX + 1];
    snprintf(office, sizeof office, "xx-%" PRIu64, i);
    opened(a, number(word[0]) + i, office, 1, 1);
  }
}

static void on_hello(told *a, char **word) {
  uint8_t epoch[COR_ID_LEN] = {1};
  uint32_t version = COR_PROTOCOL;
  Corridor__V1__Hello hello = CORRIDOR__V1__HELLO__INIT;
  hello.n_versions = 1;
  hello.versions = &version;
  hello.office = word[1];
  hello.store_epoch = (ProtobufCBinaryData){sizeof epoch, epoch};
  hello.card_list = number(word[4]);
  hello.window_messages = (uint32_t)number(word[2]);
  hello.window_bytes = number(word[3]);
  session *s = session_add(a->c.sessions, number(word[0]), word[1]);
  if (!s) alone_die("no room for a session", NULL);
  session_hello(&a->c, s, &hello);
}

static void on_fill(told *a, char **word) {
  const size_t len = number(word[0]);
  uint8_t *nothing = calloc(1, len);
  if (!nothing || !doorway_send_raw(a->c.doorway, 0, COR_PONG, (cor_bytes){nothing, len}))
    alone_die("no room to fill", NULL);
  free(nothing);
}

static void on_count(told *a, char **word) {
  session *s = session_of(a->c.sessions, word[0]);
  if (!s) alone_die("no such session", NULL);
  s->in_flight = (uint32_t)number(word[1]);
  s->in_flight_bytes = number(word[2]);
}

static void claim(told *a, bool sweep) {
  bool any;
  if (!claim_round(&a->c, sweep, &any)) alone_die("a claim was not decided", NULL);
  printf("\"any\": %s, ", any ? "true" : "false");
}

static void on_claim(told *a, char **word) {
  (void)word;
  claim(a, false);
}

static void on_sweep(told *a, char **word) {
  (void)word;
  claim(a, true);
}

static void on_recount(told *a, char **word) {
  (void)word;
  if (!claim_recount(&a->c)) alone_die("the book did not answer", NULL);
}

static void on_follow(told *a, char **word) {
  (void)word;
  if (!session_follow_cards(&a->c)) alone_die("the book did not answer", NULL);
}

static void on_cards(told *a, char **word) {
  (void)word;
  session_send_due_cards(&a->c);
}

static void on_bring(told *a, char **word) {
  cor_error err = {0};
  cor_buf control = {0}, body = {0};
  if (!cor_file_read(word[1], COR_CONTROL_MAX, false, &control, &err) ||
      !cor_file_read(word[2], COR_CONTROL_MAX, false, &body, &err))
    alone_die("a file", &err);
  parcel *p = alone_parcel(&a->c, word[0], COR_SEND, cor_buf_view(&control), cor_buf_view(&body));
  p->next = a->round.parcels;
  a->round.parcels = p;
  if (p->code != COR_OK || a->round.n_submissions == ROUND_MAX) alone_die("not a submission", NULL);
  a->round.submissions[a->round.n_submissions++] = &p->submission;
  printf("\"verified\": %s, ", p->submission.verified ? "true" : "false");
  cor_buf_clear(&control);
  cor_buf_clear(&body);
}

static void on_admit(told *a, char **word) {
  (void)word;
  admit_round(&a->c, &a->round);
  printf("\"codes\": [");
  a->first = true;
  for (size_t i = 0; i < a->round.n_submissions; i++)
    printf("%s\"%s\"", comma(a), cor_refusal_of(a->round.submissions[i]->code)->name);
  printf("], ");
  round_clear(&a->round);
}

static const struct {
  const char *name;
  size_t words;
  void (*run)(told *, char **);
} rows[] = {{"open", 4, on_open},   {"crowd", 2, on_crowd},     {"hello", 5, on_hello},
            {"count", 3, on_count}, {"claim", 0, on_claim},     {"sweep", 0, on_sweep},
            {"cards", 0, on_cards}, {"recount", 0, on_recount}, {"follow", 0, on_follow},
            {"bring", 3, on_bring}, {"admit", 0, on_admit},     {"fill", 1, on_fill}};

static void obey(told *a, char *command) {
  char *word[WORDS_MAX + 1], *rest = NULL;
  size_t n = 0;
  for (char *at = strtok_r(command, " ", &rest); at && n <= WORDS_MAX; at = strtok_r(NULL, " ", &rest))
    word[n++] = at;
  for (size_t i = 0; n > 0 && i < sizeof rows / sizeof *rows; i++) {
    if (strcmp(rows[i].name, word[0]) != 0 || rows[i].words != n - 1) continue;
    rows[i].run(a, word + 1);
    return;
  }
  alone_die("not a command", NULL);
}

static void answer(told *a, char *line) {
  char *rest = NULL;
  printf("{");
  for (char *command = strtok_r(line, ";\n", &rest); command; command = strtok_r(NULL, ";\n", &rest))
    obey(a, command);
  hear(a);
  print_sessions(a);
  printf("}\n");
  fflush(stdout);
}

int main(int argc, char **argv) {
  static told a;
  char line[LINE_MAX_LEN];
  if (argc != 4) {
    fprintf(stderr, "core-alone CONNINFO FOLDER CLOCK\n");
    return 2;
  }
  alone_open(&a.c, &a.door, "core-alone", argv[1], argv[2], argv[3]);
  round_begin(&a.round);
  while (fgets(line, sizeof line, stdin))
    answer(&a, line);
  round_free(&a.round);
  alone_close(&a.c, &a.door);
  return 0;
}
