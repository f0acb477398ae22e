#!/bin/bash
# Every preset configures, release with its hardening and tsan with its sanitizer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for preset in dev tsan release; do
  cmake --preset "$preset" -B "$scratch/$preset" >/dev/null
done
commands() { cat "$scratch/$1/compile_commands.json"; }
commands dev | grep -q -- '-fsanitize=address,undefined'
commands tsan | grep -q -- '-fsanitize=thread'
commands release | grep -q -- '-D_FORTIFY_SOURCE=2'
for preset in dev tsan release; do
  for flag in -Wall -Wextra -Wconversion -Wshadow -Werror -fstack-protector-strong; do
    commands "$preset" | grep -q -- "$flag" || { echo "$preset: no $flag"; exit 1; }
  done
done
