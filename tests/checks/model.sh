#!/bin/bash
# spin looks at every interleaving of broker/model/claim.pml and finds nothing wrong,
# and finds out each way in which the protocol is broken there on purpose.
#
#   tests/checks/model.sh       says nothing when all is well
#   tests/checks/model.sh -v    also how much was looked at, and how each break shows
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
verbose=false
[[ ${1-} != -v ]] || verbose=true
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp broker/model/claim.pml "$scratch"
cd "$scratch"
bad=0

# What pan says goes to the file said, the way to an error to claim.pml.trail.
explore() { # how pan is compiled, its options, how the model is made
  local -a compile options
  read -ra compile <<<"$1"
  read -ra options <<<"$2"
  rm -f pan claim.pml.trail
  spin -a "${@:3}" claim.pml >said || { cat said; exit 1; }
  gcc -w -DNOREDUCE -DMEMLIM=900 "${compile[@]}" -o pan pan.c
  ./pan -b -m200000 -w23 "${options[@]}" >said 2>&1 || true # judged by what it says
}

# The same way in words; its last lines name the assertion.
story() { # how the model was made
  spin -t -T "$@" claim.pml | sed '/^spin: trail ends\|^#processes/,$d; /find claim/d; s/^ */    /'
}

# No error, and no search cut short by its depth or its memory.
must_hold() { # what, how pan is compiled, its options, how the model is made
  explore "${@:2}"
  if $verbose; then echo "$1: $(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states/p' said)"; fi
  if grep -q 'errors: 0$' said && ! grep -q 'Search not completed\|reached -DMEMLIM' said; then return; fi
  echo "model: $1: $(grep -h 'pan:1:\|too small\|MEMLIM\|not completed\|errors:' said)"
  if [[ -f claim.pml.trail ]]; then story "${@:4}" | tail -n 60; fi
  bad=1
}

# A statement that no run comes to is no part of the proof; but for the ends of
# endless loops. Of a d_step pan does not know it, of an atomic it does.
must_reach_all() {
  explore "-O2 -DSAFETY" "" -Dd_step=atomic -DDOUBT -DFAULTS=2
  grep -q 'errors: 0$' said || return 0 # the next one tells
  if grep 'claim\.pml:[0-9]*, state' said | grep -v '"-end-"'; then
    echo "model: no run comes to these"
    bad=1
  fi
}

must_break() { # which way, words beside the assertion that has to fail, how the model is made
  local told line
  explore "-O0 -DSAFETY" "" "-DBREAK=$1" -DFAULTS=2 "${@:3}"
  told=$(if [[ -f claim.pml.trail ]]; then story "-DBREAK=$1" -DFAULTS=2 "${@:3}"; fi)
  line=$(sed -n 's/.*claim\.pml:\([0-9]*\), Error: assertion violated.*/\1/p' <<<"$told")
  if [[ -z $line ]] || ! sed -n "${line}p" claim.pml | grep -q -- "$2"; then
    printf '%s\n' "model: $1 does not show at: $2" "$told"
    bad=1
  elif $verbose; then
    printf '%s\n' "" "$1:" "$told"
  fi
}

must_reach_all
must_hold "two messages, three faults" "-O2 -DSAFETY" "" -DFAULTS=3
must_hold "no run without an end" "-O2 -DNP" "-l" -DFAULTS=2
must_hold "suspended once, and lifted" "-O2 -DSAFETY" "" -DDOUBT -DFAULTS=2
must_hold "one message, any number of faults" "-O2 -DSAFETY" "" -DONE

must_break NO_LOCK "no claim after"
must_break READ_BEFORE_LOCK "no claim after"
must_break NO_REGATE "no claim after"
must_break LIST_BEFORE_LOCK "list = claims"
must_break ADMIT_BLIND "the permit still holds"
must_break SEND_BEFORE_COMMIT "nothing can undo"
must_break TRUST_CANCELLED_SYNC "nothing can undo"
must_break DUPLICATE_AT_ONCE "nobody is told"
must_break NO_FENCE "what is asked back"
must_break NO_LEASE "a message has its end"
must_break SUSPEND_BLIND "of what is suspended" -DDOUBT
must_break LIFT_BLIND "a message has its end" -DDOUBT
exit "$bad"
