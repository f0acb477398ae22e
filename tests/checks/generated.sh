#!/bin/bash
# Nothing that the build or a run makes is committed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
made='(^|/)build/|\.pb-c\.[ch]$|_pb2\.py$|\.(o|a|so|pyc|log|key|crt|csr|pem|db|sqlite)$|(^|/)compile_commands\.json$|(^|/)__pycache__/'
generated() { grep -E "$made"; }

for path in build/dev/x proto/corridor/v1/card.pb-c.c tests/integration/case_pb2.py agent/keys/casework.key; do
  if ! generated <<<"$path" >/dev/null; then
    echo "this check does not see: $path"
    exit 1
  fi
done
if ! git -c safe.directory="$PWD" rev-parse --git-dir >/dev/null 2>&1; then
  echo "not a clone: nothing is committed here"
  exit 0
fi
if git -c safe.directory="$PWD" ls-files | generated; then exit 1; fi
