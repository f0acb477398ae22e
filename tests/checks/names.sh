#!/bin/bash
# Words that must not stand in what is committed: marks of unfinished work, and
# paths of somebody's own machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
self=tests/checks/names.sh
unfinished='\b(TODO|FIXME|XXX|HACK)\b|not implemented'
somewhere='(^|[^A-Za-z0-9_.])(/wor[k]|/hom[e]|/roo[t]|/User[s])/|\.\./share[d]\b|/\.librar[y]\b'
offends() { grep -nE "$unfinished|$somewhere" "$@"; }

for line in '/* TODO: later */' "see /wor""k/x" "cd '/home/me'" "read ../share""d/design.md"; do
  if ! offends <(printf '%s\n' "$line") >/dev/null; then
    echo "this check does not see: $line"
    exit 1
  fi
done
if offends <(printf 'a framework/part, the network/homepage, mkstemp("a.XXXXXX")\n'); then exit 1; fi

mapfile -d '' -t files < <(find . \( -path ./build -o -path ./.git -o -name __pycache__ \) -prune \
  -o -type f ! -path "./$self" -print0)
if offends -IH "${files[@]}"; then exit 1; fi
