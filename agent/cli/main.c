/* main.c - the corridor command for case officers, the programme CA, office
 * administrators and oversight. Everything is in cli.c so that tests can call
 * it; this file only hands it the process's own streams. */
#include "cli.h"
#include <sys/prctl.h>

int main(int argc, char **argv) {
  prctl(PR_SET_DUMPABLE, 0); /* no core files: passphrases and opened messages pass through here */
  return cli_main(argc, argv, stdout, stderr);
}
