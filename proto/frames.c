/* frames.c - the shape of a session's messages (PROTOCOL 2).
 *
 * Guarantees: what passes has two or three frames, a command that this side may
 * send, a control frame within its limit, and a body exactly when the command
 * carries one. The frames are borrowed, nothing is copied or decoded.
 *
 * Trusts nothing: the frames come from the network. Whatever does not fit is
 * BAD_FRAMES, on which the caller ends the connection; nothing is fatal. */
#include "corridor/frames.h"
#include "corridor/refusal.h"

typedef struct command_row {
  bool agent, hub; /* who may send it */
  bool body;       /* carries frame 2 */
  size_t control_max;
} command_row;

static const command_row rows[] = {
    [COR_HELLO] = {.agent = true, .control_max = COR_CONTROL_MAX},
    [COR_WELCOME] = {.hub = true, .control_max = COR_CONTROL_MAX},
    [COR_SEND] = {.agent = true, .body = true, .control_max = COR_CONTROL_MAX},
    [COR_RESULTS] = {.hub = true, .control_max = COR_CONTROL_MAX},
    [COR_DELIVER] = {.hub = true, .body = true, .control_max = COR_CONTROL_MAX},
    [COR_RECEIPTS] = {.agent = true, .control_max = COR_CONTROL_MAX},
    [COR_CARDS] = {.hub = true, .control_max = COR_CARDS_MAX},
    [COR_PING] = {.agent = true, .hub = true, .control_max = COR_CONTROL_MAX},
    [COR_PONG] = {.agent = true, .hub = true, .control_max = COR_CONTROL_MAX},
    [COR_BYE] = {.agent = true, .hub = true, .control_max = COR_CONTROL_MAX},
};

static bool bad(cor_error *err, const char *path, const char *what) {
  return cor_fail(err, COR_BAD_FRAMES, path, "%s; the message was dropped and the connection ends", what);
}

bool cor_frames_check(const cor_bytes *parts, size_t n, bool from_agent, cor_frames *out, cor_error *err) {
  *out = (cor_frames){0};
  if (n < 2 || n > COR_FRAMES_MAX) return bad(err, "/frames", "a message has two or three frames");
  if (parts[0].len != 2 || parts[0].data[0] != COR_PROTOCOL)
    return bad(err, "/frames/0", "the first frame is not protocol version 1 and a command");
  const uint8_t command = parts[0].data[1];
  if (command == 0 || command >= sizeof rows / sizeof *rows) return bad(err, "/frames/0", "no such command");
  const command_row *row = &rows[command];
  if (from_agent ? !row->agent : !row->hub)
    return bad(err, "/frames/0", "this side may not send that command");
  if (parts[1].len > row->control_max) return bad(err, "/frames/1", "the control frame is too large");
  if ((n == 3) != row->body)
    return bad(err, "/frames/2", row->body ? "the body is missing" : "this command carries no body");
  if (row->body && (parts[2].len == 0 || parts[2].len > COR_BODY_MAX))
    return bad(err, "/frames/2", "the body is empty or too large");
  out->command = (cor_command)command;
  out->control = parts[1];
  if (row->body) out->body = parts[2];
  return true;
}

void cor_frames_head(cor_command command, uint8_t out[2]) {
  out[0] = COR_PROTOCOL;
  out[1] = (uint8_t)command;
}
