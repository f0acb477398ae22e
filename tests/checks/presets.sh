#!/bin/bash
# Every preset configures, release with its hardening and tsan with its sanitizer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for preset in dev tsan release; do
  cmake --preset "$preset" -B "$scratch/$preset" >/dev/null
done
commands() { printf '%s/%s/compile_commands.json' "$scratch" "$1"; }
expect() { # preset, flag
  grep -q -- "$2" "$(commands "$1")" || { echo "preset $1 compiles without $2"; exit 1; }
}
expect dev -fsanitize=address,undefined
expect tsan -fsanitize=thread
expect release -D_FORTIFY_SOURCE=2
for preset in dev tsan release; do
  for flag in -Wall -Wextra -Wconversion -Wshadow -Werror -fstack-protector-strong; do
    expect "$preset" "$flag"
  done
done
