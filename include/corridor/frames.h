/* frames.h - the commands of a session as ZeroMQ messages (PROTOCOL 2).
 *
 * frame 0: 2 bytes, protocol version 1 and command; frame 1: protobuf; frame 2:
 * the sealed body or record, for SEND and DELIVER only. Anything else is
 * BAD_FRAMES and ends the connection. */
#ifndef CORRIDOR_FRAMES_H
#define CORRIDOR_FRAMES_H
#include "corridor/base.h"

enum { COR_PROTOCOL = 1, COR_FRAMES_MAX = 3 };

typedef enum cor_command {
  COR_HELLO = 1,    /* agent -> hub: Hello */
  COR_WELCOME = 2,  /* hub -> agent: Welcome */
  COR_SEND = 3,     /* agent -> hub: Submission + body */
  COR_RESULTS = 4,  /* hub -> agent: Results */
  COR_DELIVER = 5,  /* hub -> agent: Delivery + body */
  COR_RECEIPTS = 6, /* agent -> hub: Receipts */
  COR_CARDS = 7,    /* hub -> agent: SignedContent of CardList */
  COR_PING = 8,     /* either: Ping */
  COR_PONG = 9,     /* either: Pong */
  COR_BYE = 10      /* either: Bye */
} cor_command;

typedef struct cor_frames {
  cor_command command;
  cor_bytes control; /* frame 1, borrowed */
  cor_bytes body;    /* frame 2, borrowed; data NULL when absent */
} cor_frames;

/* from_agent: which side may send the command. */
bool cor_frames_check(const cor_bytes *parts, size_t n, bool from_agent, cor_frames *out,
                      cor_error *err) COR_MUST_CHECK;
void cor_frames_head(cor_command command, uint8_t out[2]);
#endif
