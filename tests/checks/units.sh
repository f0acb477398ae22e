#!/bin/bash
# systemd finds nothing wrong with the unit files, and their hardening has not
# been loosened. The programs are looked for where the build put them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for unit in deploy/systemd/*.service; do
  name=$(basename "${unit/@/@ne-niamey}")
  sed "s#=/usr/bin/corridor-#=$PWD/build/dev/corridor-#" "$unit" >"$scratch/$name"
  # It tells of an unknown word on standard error, and yet ends with 0.
  said=$(systemd-analyze verify --man=no "$scratch/$name" 2>&1) || true
  [[ -z $said ]] || { echo "$name: $said"; exit 1; }
  exposure=$(systemd-analyze security --offline=yes --no-pager "$scratch/$name" | tail -n 1)
  echo "$exposure"
  [[ $exposure =~ :\ ([01])\.[0-9] ]] || { echo "$name is exposed: 2 or more of 10"; exit 1; }
done
