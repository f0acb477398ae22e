/* nats.c - NATS JetStream: file storage, acknowledged publishes, explicit
 * consumer acknowledgements.
 *
 * For: tests/bench/run. NOT durable as Corridor means it: the server confirms
 * before it syncs. Does not verify, gate, seal or log. The library answers on
 * its own threads. Errors are fatal. */
#include "die.h"
#include "window.h"
#include <nats/nats.h>
#include <string.h>

enum { STALL_MS = 60000 };
#define STREAM "BENCH"
#define SUBJECT "corridor.bench"

static void must(natsStatus status, const char *what) {
  if (status != NATS_OK) {
    fprintf(stderr, "bench: NATS: %s: %s\n", what, natsStatus_GetText(status));
    exit(1);
  }
}

static void on_confirm(jsCtx *js, natsMsg *msg, jsPubAck *ack, jsPubAckErr *error, void *with) {
  (void)js;
  (void)ack;
  if (error) die("NATS", "a message was not confirmed");
  const size_t index = window_index(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg));
  natsMsg_Destroy(msg);
  window_event(with, index);
}

static void on_message(natsConnection *conn, natsSubscription *sub, natsMsg *msg, void *with) {
  (void)conn;
  (void)sub;
  const size_t index = window_index(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg));
  must(natsMsg_Ack(msg, NULL), "acknowledge");
  natsMsg_Destroy(msg);
  window_event(with, index);
}

static void make_stream(jsCtx *js) {
  const char *subjects[] = {SUBJECT};
  jsStreamConfig config;
  jsErrCode code = 0;
  (void)js_DeleteStream(js, STREAM, NULL, &code);
  must(jsStreamConfig_Init(&config), "stream");
  config.Name = STREAM;
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Storage = js_FileStorage;
  must(js_AddStream(NULL, js, &config, NULL, &code), "stream");
}

static natsSubscription *subscribe(jsCtx *js, window *w) {
  natsSubscription *sub = NULL;
  jsSubOptions options;
  jsErrCode code = 0;
  must(jsSubOptions_Init(&options), "subscribe");
  options.ManualAck = true;
  options.Config.Durable = "bench";
  options.Config.AckPolicy = js_AckExplicit;
  options.Config.MaxAckPending = (int64_t)w->in_flight;
  must(js_Subscribe(&sub, js, SUBJECT, on_message, w, NULL, &options, &code), "subscribe");
  must(natsSubscription_SetPendingLimits(sub, -1, -1), "subscribe");
  return sub;
}

int main(int argc, char **argv) {
  window w;
  window_options opt;
  char url[64];
  natsConnection *conn = NULL;
  natsOptions *how = NULL;
  natsSubscription *sub = NULL;
  jsCtx *js = NULL;
  jsOptions options;
  jsErrCode code = 0;
  window_open(&w, argc, argv, &opt);
  snprintf(url, sizeof url, "nats://127.0.0.1:%d", opt.port);
  must(natsOptions_Create(&how), "options");
  must(natsOptions_SetURL(how, url), "options");
  must(natsOptions_SetSendAsap(how, w.in_flight == 1), "options"); /* else it waits to send more at once */
  must(natsConnection_Connect(&conn, how), "connect");
  must(jsOptions_Init(&options), "options");
  options.PublishAsync.AckHandler = on_confirm;
  options.PublishAsync.AckHandlerClosure = &w;
  options.PublishAsync.StallWait = STALL_MS;
  must(natsConnection_JetStream(&js, conn, &options), "JetStream");
  make_stream(js);
  if (window_consumes(&w)) sub = subscribe(js, &w);
  while (window_take(&w, true))
    must(js_PublishAsync(js, SUBJECT, w.body, (int)w.body_len, NULL), "publish");
  window_wait(&w);
  must(natsConnection_FlushTimeout(conn, STALL_MS), "flush");
  window_close(&w, "nats");
  natsSubscription_Destroy(sub);
  (void)js_DeleteStream(js, STREAM, NULL, &code);
  jsCtx_Destroy(js);
  natsConnection_Destroy(conn);
  natsOptions_Destroy(how);
  nats_Close();
  return 0;
}
