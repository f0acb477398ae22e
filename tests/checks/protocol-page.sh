#!/bin/bash
# PROTOCOL.md and the code say the same: the refusal table row by row against
# refusal.h, the message types against codes.proto.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
page=proto/PROTOCOL.md

# Both as "code name retry rule", in the order they stand.
rows_of_page() { sed -nE 's/^\| ([0-9]+) \| ([A-Z_]+) \| (yes|no) \| ?(.*[^ ])? *\|$/\1 \2 \3 \4/p' "$1"; }
rows_of_code() {
  sed -nE 's/^ *X\(([A-Z_]+), +([0-9]+), +(true|false), +[0-9]+, +[0-9]+, "(.*)"\).*/\2 \1 \3 \4/p' "$1" |
    sed -E 's/^([0-9]+ [A-Z_]+) true /\1 yes /; s/^([0-9]+ [A-Z_]+) false /\1 no /'
}
same() { # what, page's list, code's list
  if ! diff <(printf '%s\n' "$2") <(printf '%s\n' "$3"); then
    echo "$1: proto/PROTOCOL.md (<) and the code (>) differ"
    return 1
  fi
}

# Numbers, names and senders of the types, e.g. "10 CASE_FILE".
types_of_page() {
  sed -nE 's/^\| ([0-9]+) \| ([A-Za-z]+) \| [^|]+ → .*/\1 \2/p' "$1" |
    sed -E 's/([a-z])([A-Z])/\1_\2/g' | tr '[:lower:]' '[:upper:]'
}
types_of_code() {
  sed -n '/^enum MessageType/,/^}/p' "$1" | sed -nE 's/^ *([A-Z_]+) = ([1-9][0-9]*);.*/\2 \1/p'
}

wrong=$(sed 's/| 34 | NO_CONSENT | yes |/| 34 | NO_CONSENT | no |/' "$page")
if same self "$(rows_of_page <(printf '%s\n' "$wrong"))" "$(rows_of_page "$page")" >/dev/null; then
  echo "this check does not see: another retry"
  exit 1
fi
rows=$(rows_of_page "$page")
[[ $(wc -l <<<"$rows") -ge 40 ]] || { echo "no refusal table in $page"; exit 1; }
bad=0
same refusals "$rows" "$(rows_of_code include/corridor/refusal.h)" || bad=1
same types "$(types_of_page "$page")" "$(types_of_code proto/corridor/v1/codes.proto)" || bad=1
exit "$bad"
