#!/bin/bash
# Our hot functions take as many instructions as tests/instructions/expected.txt
# says. Times are noise on a shared machine; instructions are not. Built by itself,
# with the flags of a release, because sanitizers and -O1 count other work.
#
#   tests/checks/instructions.sh            compares
#   tests/checks/instructions.sh --write    rewrites the file; look at the difference
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/../.."
unset CFLAGS CPPFLAGS LDFLAGS # of somebody's own
build=$PWD/build/instructions
if [[ ! -f $build/build.ninja ]]; then
  cmake --preset release -B "$build" -DCMAKE_C_COMPILER=gcc >/dev/null
fi
cmake --build "$build" --parallel 2 --target hot >"$build/build.log" || { tail -n 30 "$build/build.log"; exit 1; }
exec /usr/bin/python3 -B tests/instructions/count.py "$build/tests/hot" tests/instructions/expected.txt "$@"
