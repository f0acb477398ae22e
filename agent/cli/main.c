/* main.c - the corridor command for case officers, the programme CA, office
 * administrators and oversight. Everything is in cli.c so that tests can call
 * it; this file only hands it the process's own streams. */
#include "cli.h"
#include "cli_http.h"
#include "corridor/refusal.h"
#include "corridor/wipe.h"
#include <sys/prctl.h>

int main(int argc, char **argv) {
  prctl(PR_SET_DUMPABLE, 0); /* no core files: passphrases and opened messages pass through here */
  if (!cor_wipe_begin() || !cli_http_begin()) {
    fputs("corridor: the libraries cannot be made to zero their memory; nothing was done\n", stderr);
    return cor_refusal_of(COR_INTERNAL)->exit;
  }
  return cli_main(argc, argv, stdout, stderr);
}
