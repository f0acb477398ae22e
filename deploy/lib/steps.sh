# shellcheck shell=bash
# steps.sh - telling the reader what is going on.
#
# step TEXT LOG COMMAND... runs a command with its output in LOG. Whatever takes
# over two seconds shows how long it has been going on; a failure shows the end
# of LOG and is the step's result. wait_for TEXT SECONDS COMMAND... asks again
# and again until COMMAND succeeds: nothing here waits for time alone to pass.

step() {
  local text=$1 log=$2 pid start=$SECONDS shown=0 status=0
  shift 2
  printf '%s' "$text"
  "$@" >>"$log" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if ((SECONDS - start >= shown + 2)); then
      shown=$((SECONDS - start))
      printf ' %d s' "$shown"
    fi
    sleep 0.1
  done
  wait "$pid" || status=$?
  if ((status == 0)); then
    printf ' - done\n'
  else
    printf ' - failed. The end of %s:\n' "$log"
    tail -n 20 "$log" | sed 's/^/    /'
  fi
  return "$status"
}

wait_for() {
  local text=$1 limit=$2 start=$SECONDS shown=0
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS - start >= limit)); then
      echo "$text: not within $limit s" >&2
      return 1
    fi
    if ((SECONDS - start >= shown + 2)); then
      shown=$((SECONDS - start))
      echo "  waiting: $text ($shown s)"
    fi
    sleep 0.05
  done
}
