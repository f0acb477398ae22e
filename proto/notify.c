/* notify.c - the service manager hears how a daemon stands.
 *
 * For: Type=notify units. The protocol is one datagram to the socket named in
 * NOTIFY_SOCKET, and is stable (sd_notify(3), "Notes"). libsystemd is not linked for
 * it: that brings seven libraries, three of them for compression, into processes that
 * hold keys and face the network, and a mebibyte into each.
 * Guarantees: never fails its caller; a manager that does not hear us will say so
 * itself. Trusts: the environment, which is the manager's, and the manager to read.
 * Fatal: nothing. */
#include "corridor/notify.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void cor_notify(const char *state) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  const char *path = getenv("NOTIFY_SOCKET");
  const size_t len = path ? strlen(path) : 0;
  if (len < 2 || len > sizeof to.sun_path || (path[0] != '/' && path[0] != '@')) return;
  memcpy(to.sun_path, path, len);
  if (path[0] == '@') to.sun_path[0] = '\0'; /* a name that is in no folder */
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
  close(fd);
}
