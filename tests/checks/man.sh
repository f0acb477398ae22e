#!/bin/bash
# The man pages are good roff, are of this version, and name what the programs
# name: each verb with its operands, each option, each word of a configuration.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${CORRIDOR_BUILD:-build/dev}
version=$(sed -n 's/^project(corridor VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
bad=0

# -ww: troff's own "all" leaves out macros that do not exist.
lint() { groff -man -Tutf8 -ww -z "$@" 2>&1; }
if [[ -z $(printf '.TH X 1\n.SH NAME\nx\n.NOSUCH\n' | lint -) ]]; then
  echo "this check does not see a macro that does not exist"
  exit 1
fi

# What a section of a page has as its tags, e.g. "consent FILE", "--db CONNINFO".
page_terms() { # page, section
  awk -v title=".SH $2" '$0 == title { on = 1; next } /^\.SH/ { on = 0 } on' "$1" |
    sed -nE '/^\.BI? /{s/^\.BI? //; s/"//g; s/\\-/-/g; s/  +/ /g; p;}' | sort -u
}
verbs() { sed -nE '/^(Global options|Every verb takes)/,$d; s/^  ([a-z][^ ]*( [^ ]+)*)(  .*)?$/\1/p' | sort -u; }
options() { sed -nE 's/^  (--[a-z-]+( [A-Z]+)?)( .*)?$/\1/p' | sort -u; }
words() { sed -nE 's/^#?([a-z_]+) =.*/\1/p' | sort -u; }

same() { # what, the page's list, the program's list
  [[ -n $3 ]] || { echo "$1: the program names nothing"; bad=1; }
  diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") >/dev/null && return
  echo "$1: the page (<) and the program (>) differ"
  diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") || true
  bad=1
}

for page in deploy/man/*.[18]; do
  said=$(lint "$page")
  [[ -z $said ]] || { echo "$said"; bad=1; }
  grep -q "^\.TH .*\"Corridor $version\"" "$page" || { echo "$page is not of version $version"; bad=1; }
done

broker_help() {
  "$build/corridor-broker" --help | verbs | while read -r first second _; do
    [[ $second == [a-z]* ]] || second=
    "$build/corridor-broker" "$first" ${second:+"$second"} --help
  done
}
cli=deploy/man/corridor.1 agent=deploy/man/corridor-agent.8 broker=deploy/man/corridor-broker.8
same "corridor's verbs" "$(page_terms $cli VERBS)" "$("$build/corridor" --help | verbs)"
same "corridor's options" "$(page_terms $cli OPTIONS)" "$("$build/corridor" --help | options)"
same "corridor-agent's options" "$(page_terms $agent OPTIONS)" "$("$build/corridor-agent" --help | options)"
same "corridor-agent's configuration" "$(page_terms $agent CONFIGURATION)" \
  "$("$build/corridor-agent" --sample-config | words)"
same "corridor-broker's verbs" "$(page_terms $broker VERBS)" "$("$build/corridor-broker" --help | verbs)"
same "corridor-broker's options" "$(page_terms $broker OPTIONS)" "$(broker_help | options)"
for half in door core; do
  same "corridor-broker $half's configuration" "$(page_terms $broker "CONFIGURATION OF THE ${half^^}")" \
    "$("$build/corridor-broker" "$half" --sample-config | words)"
done
exit "$bad"
