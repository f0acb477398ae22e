#!/bin/bash
# No test sleeps: it waits for a condition. The one pause between two polls of a
# condition is in integration/processes.py, marked "the poll's pause".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
pattern='\b(sleep|usleep|nanosleep|clock_nanosleep|pg_sleep|zmq_sleep|thrd_sleep|wait_for_timeout)[[:space:]]*(\(|[0-9])'
sleeps() { grep -nE "$pattern" "$@" | grep -vE '(#|/\*) the poll.s pause'; }

for line in 'time.sleep(1)' '  usleep(1000);' 'sleep 2' "cursor.execute('SELECT pg_sleep(1)')"; do
  if ! sleeps <(printf '%s\n' "$line") >/dev/null; then
    echo "this check does not see: $line"
    exit 1
  fi
done
mapfile -t files < <(find tests -type f \( -name '*.[ch]' -o -name '*.py' -o -name '*.sh' -o -name run \) \
  ! -path tests/checks/sleeps.sh ! -path tests/checks/clock.sh | sort)
if sleeps -H "${files[@]}"; then exit 1; fi
if [[ $(grep -c "# the poll's pause" tests/integration/processes.py) -gt 1 ]]; then
  echo "tests/integration/processes.py: one poll, one pause"
  exit 1
fi
