#!/bin/bash
# Every C file of ours is as clang-format 14 with the repository's .clang-format
# would write it. Other versions differ in detail, so only 14 judges.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
formatter=$(command -v clang-format-14 || command -v clang-format)
[[ $("$formatter" --version) == *"version 14."* ]] || { echo "clang-format 14 is needed"; exit 1; }

if printf 'int  x ;\n' | "$formatter" --assume-filename=x.c --dry-run -Werror 2>/dev/null; then
  echo "this check does not see a badly formatted line"
  exit 1
fi
mapfile -t files < <(find include proto broker agent tests -name '*.[ch]' | sort)
"$formatter" --dry-run -Werror "${files[@]}"
