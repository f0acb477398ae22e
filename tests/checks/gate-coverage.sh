#!/bin/bash
# Every branch of the gate, and of the look-ups it decides by (permission.c), is taken by its
# unit test, both ways. It is small and pure, and each of its branches is somebody's file: one that no case tells apart is a
# rule nobody has shown to work. Prints what was never taken; -v also how many there are.
set -euo pipefail
cd "$CORRIDOR_SOURCE"
gen=$CORRIDOR_BUILD/gen
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build=(gcc -std=c17 -O0 -D_GNU_SOURCE -Iinclude "-I$gen")
for part in gate permission; do
  (cd "$work" && "${build[@]}" -I"$CORRIDOR_SOURCE/include" --coverage -c -o "$part.o" "$CORRIDOR_SOURCE/proto/$part.c")
done
"${build[@]}" --coverage -o "$work/test_gate" "$work/gate.o" "$work/permission.o" tests/unit/test_gate.c proto/sop.c \
  proto/refusal.c "$gen"/corridor/v1/*.pb-c.c -lcheck -lsubunit -lm -lprotobuf-c
# One process: Check would fork each case, and what a fork counts is lost when it is killed.
CK_FORK=no "$work/test_gate" >"$work/table" || {
  cat "$work/table"
  exit 1
}
(cd "$work" && gcov -b -c -t gate.o permission.o >report 2>/dev/null)
awk -v verbose="${1:-}" '
  /^ *[-#=0-9*]+:/ { line = $0 }
  /^branch/ {
    all++
    if ($0 ~ /never executed/ || $0 ~ /taken 0( |$)/) { bad++; if (line != told) print line; told = line; print "    " $0 }
  }
  /^ *#####:/ { print "never reached:" $0; bad++ }
  END {
    if (all == 0) { print "gcov found no branch in the gate"; exit 1 }
    if (verbose == "-v") printf "%d branches, %d not taken\n", all, bad
    exit bad > 0
  }' "$work/report"
