#!/bin/bash
# Every shell script passes shellcheck.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck disable=SC2016 # the bad script is meant literally
if printf '#!/bin/sh\nrm $1\n' | shellcheck - >/dev/null; then
  echo "this check does not see an unquoted variable"
  exit 1
fi
mapfile -t scripts < <(
  find . \( -path ./build -o -path ./.git \) -prune -o -type f -print0 |
    xargs -0 awk 'FNR == 1 { if (/^#!.*(bash|\/sh)|^# shellcheck shell=/) print FILENAME; nextfile }' | sort
)
echo "${#scripts[@]} scripts"
shellcheck -x "${scripts[@]}"
