/* verb_attachment.c - attach, attachments, attachment show, attachment save.
 *
 * Guarantees: a file's name goes nowhere, only its bytes do; a file is written only
 * when all of it is here and the agent found it whole, readable by its owner alone,
 * and never over one that exists. What was read or received is zeroed. Trusts the
 * agent for every rule. */
#include "cli_http.h"
#include "cli_print.h"
#include "corridor/attachment.h"
#include "corridor/refusal.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const cli_option ATTACH_OPTIONS[] = {
    {"case", "CASE", true,
     "the case it goes with (handle or reference number), or the referral (its handle)"},
    {"to", "OFFICE", true, "the office it is for"},
    {"compartment", "NAME", true, "who may open it there: operations, casework or health"},
    {"title", "TITLE", true, "SIGNED_SCAN, VOICE_RECORDING, MEDICAL_LETTER or OTHER_ATTACHMENT"},
    {"message", "ID", false, "the message of the case that it belongs to"},
    {"categories", "LIST", false,
     "what it is about, as BIODATA,FAMILY (BIODATA, for health with HEALTH_DATA)"},
    {"consent", "ID", false, "the consent it stands on (else the newest that covers it)"},
    CLI_WAIT_OPTION,
    {NULL, NULL, false, NULL}};

static const cli_column FIELDS[] = {{"attachmentId", "Attachment", CLI_TEXT},
                                    {"title", "Title", CLI_TEXT},
                                    {"kind", "Kind", CLI_TEXT},
                                    {"size", "Bytes", CLI_TEXT},
                                    {"sha256", "SHA-256", CLI_TEXT},
                                    {"belongsTo", "Belongs to", CLI_TEXT},
                                    {"from", "From", CLI_TEXT},
                                    {"to", "To", CLI_TEXT},
                                    {"compartment", "Compartment", CLI_TEXT},
                                    {"receivedAt", "Received", CLI_TIME},
                                    {"sentAt", "Sent", CLI_TIME},
                                    {"parts", "Parts here", CLI_TEXT},
                                    {"of", "Of", CLI_TEXT},
                                    {"admitted", "Admitted", CLI_TEXT},
                                    {"delivered", "Delivered", CLI_TEXT},
                                    {"state", "State", CLI_TEXT},
                                    {"refusal", "Reason", CLI_TEXT}};

static void show_one(FILE *out, const json_t *answer) {
  cli_print_fields(out, answer, FIELDS, sizeof FIELDS / sizeof *FIELDS);
}

static bool read_file(const char *path, cor_buf *file, cor_error *err) {
  if (cor_file_read(path, COR_ATTACHMENT_MAX, false, file, err)) return true;
  if (err->code == COR_TOO_LARGE)
    return cor_fail(err, COR_ATTACHMENT_LIMIT, path, "a file is at most 25 MiB; nothing was kept");
  snprintf(err->path, sizeof err->path, "%.100s", path);
  return false;
}

static int run_attach(cli_context *cli, const cli_args *args) {
  static const char *const NAMES[] = {"case",       "to",      "compartment", "title",
                                      "categories", "consent", "message"};
  cor_error err = {0};
  cli_path path = {0};
  cor_buf file;
  long status = 0;
  if (!cli->agent) return cli_usage(cli, "attach", CLI_NO_AGENT);
  cli_path_add(&path, "/v1/attachments");
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
    cli_path_add_query(&path, NAMES[i], cli_args_get(args, NAMES[i]));
  if (!cli_path_add_wait(&path, args, &err)) return cli_usage(cli, "attach", "%s", err.detail);
  if (!read_file(args->operands[0], &file, &err)) return cli_error(cli, &err);
  json_t *answer = cli_http_upload(cli, &path, cor_buf_view(&file), &status, &err);
  cor_buf_clear(&file);
  return answer ? cli_tell(cli, answer, status, show_one) : cli_error(cli, &err);
}

static const cli_option LIST_OPTIONS[] = {{"sent", NULL, false, "what this office sent, instead of received"},
                                          {"case", "CASE", false, "only this case (handle, reference)"},
                                          {"limit", "N", false, "at most N, the newest"},
                                          {NULL, NULL, false, NULL}};

static void show_received(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {{"attachmentId", "ATTACHMENT", CLI_TEXT},
                                       {"from", "FROM", CLI_TEXT},
                                       {"compartment", "COMPARTMENT", CLI_TEXT},
                                       {"receivedAt", "RECEIVED", CLI_TIME},
                                       {"parts", "PARTS", CLI_TEXT},
                                       {"of", "OF", CLI_TEXT},
                                       {"case", "CASE", CLI_TEXT}};
  cli_print_table(out, json_object_get(answer, "attachments"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "No attachments.");
}

static void show_sent(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {{"attachmentId", "ATTACHMENT", CLI_TEXT},
                                       {"to", "TO", CLI_TEXT},
                                       {"compartment", "COMPARTMENT", CLI_TEXT},
                                       {"sentAt", "SENT", CLI_TIME},
                                       {"of", "PARTS", CLI_TEXT},
                                       {"admitted", "ADMITTED", CLI_TEXT},
                                       {"delivered", "DELIVERED", CLI_TEXT},
                                       {"state", "STATE", CLI_TEXT},
                                       {"refusal", "REASON", CLI_TEXT},
                                       {"case", "CASE", CLI_TEXT}};
  cli_print_table(out, json_object_get(answer, "attachments"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "No attachments.");
}

static int run_list(cli_context *cli, const cli_args *args) {
  const bool sent = cli_args_has(args, "sent");
  cli_path path = {0};
  cli_path_add(&path, "/v1/attachments");
  cli_path_add_query(&path, "box", sent ? "out" : "in");
  cli_path_add_query(&path, "case", cli_args_get(args, "case"));
  cli_path_add_query(&path, "limit", cli_args_get(args, "limit"));
  return cli_ask(cli, "GET", &path, NULL, sent ? show_sent : show_received);
}

static int run_show(cli_context *cli, const cli_args *args) {
  cli_path path = {0};
  cli_path_add(&path, "/v1/attachments/");
  cli_path_add_value(&path, args->operands[0]);
  return cli_ask(cli, "GET", &path, NULL, show_one);
}

/* For the owner alone, and never over a file that is there. */
static bool write_new(const char *path, cor_bytes file, cor_error *err) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return cor_fail(err, COR_BAD_INPUT, path,
                    errno == EEXIST ? "there is such a file already; nothing was written"
                                    : "no such file can be made; nothing was written");
  size_t done = 0;
  for (ssize_t put = 0; put >= 0 && done<file.len; done += put> 0 ? (size_t)put : 0) {
    put = write(fd, file.data + done, file.len - done);
    if (put < 0 && errno == EINTR) put = 0;
  }
  const bool synced = done == file.len && fsync(fd) == 0;
  if (close(fd) == 0 && synced) return true;
  unlink(path); /* no half of a file */
  return cor_fail(err, COR_DISK_FULL, path, "the file could not be written whole, so it is not there");
}

static int save(cli_context *cli, const char *path, cor_bytes file) {
  cor_error err = {0};
  if (!write_new(path, file, &err)) return cli_error(cli, &err);
  if (cli->json)
    fprintf(cli->out, "{\"bytes\": %zu}\n", file.len);
  else
    fprintf(cli->out,
            "%zu bytes, all parts, digest and kind right. Keep the file where only you can read it.\n",
            file.len);
  return CLI_DONE;
}

static int some_missing(cli_context *cli, json_t *answer) {
  cor_error err = {0};
  (void)cor_fail(&err, COR_KEPT_NOT_SENT, "",
                 "%lld of %lld parts are here; nothing was written, try again later",
                 (long long)json_integer_value(json_object_get(answer, "parts")),
                 (long long)json_integer_value(json_object_get(answer, "of")));
  if (cli->json) cli_print_json(cli->out, answer);
  json_decref(answer);
  fprintf(cli->err, "corridor: %s\n", err.detail);
  return cor_refusal_of(err.code)->exit;
}

static int run_save(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cli_path path = {0};
  cor_buf file;
  long status = 0;
  if (!cli->agent) return cli_usage(cli, "attachment save", CLI_NO_AGENT);
  cli_path_add(&path, "/v1/attachments/");
  cli_path_add_value(&path, args->operands[0]);
  cli_path_add(&path, "/file");
  json_t *answer = cli_http_download(cli, &path, &file, &status, &err);
  if (answer && status == 202) return some_missing(cli, answer);
  if (answer) return cli_tell(cli, answer, status, show_one);
  if (!file.data) return cli_error(cli, &err);
  const int code = save(cli, args->operands[1], cor_buf_view(&file));
  cor_buf_clear(&file);
  return code;
}

const cli_verb cli_attachment_verbs[] = {
    {"attach", "FILE", 1, 1, "seal a file and send it: a scan, a recording, a letter",
     "FILE is a whole PDF, JPEG or Ogg Opus file of at most 25 MiB; which of them it is, is found from its\n"
     "bytes. It travels in parts that wait for everything else, over days if the line is slow or cut, and\n"
     "each part is asked of the consent again. The file's name is not sent. Without all receipts in time\n"
     "it is kept and goes out by itself: exit code 5.\n"
     "To a provider, and back, it goes under the referral's handle, to casework, once the person was handed\n"
     "over; about health it takes two people, as the handover does.",
     "corridor attach scan.pdf --case GS8Z-6BTX-3HZ0-HBH7-02 --to gn-conakry --compartment casework "
     "--title SIGNED_SCAN",
     ATTACH_OPTIONS, run_attach},
    {"attachments", "", 0, 0, "list files received (or sent), one line each",
     "OF is known of a received file once a holder has looked at it. Files for the health compartment\n"
     "are listed for its holders only (--user).",
     "corridor attachments --case GS8Z-6BTX-3HZ0-HBH7-02 --sent", LIST_OPTIONS, run_list},
    {"attachment show", "ID", 1, 1, "how far a file has come; with --user, what it is",
     "ID is one from `corridor attachments`. Looking at it with --user is recorded.",
     "corridor --user fatou attachment show 019cadfd-899b-7a07-8547-945d85d86c9f", NULL, run_show},
    {"attachment save", "ID FILE", 2, 2, "open a file, check it and write it to disk",
     "Needs a holder of its compartment. Nothing is written before all parts are here (exit code 5 until\n"
     "then) and the whole is what its sender sealed. The opening is recorded.",
     "corridor --user fatou --passphrase-fd 3 attachment save 019cadfd-899b-7a07-8547-945d85d86c9f scan.pdf",
     NULL, run_save},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};
