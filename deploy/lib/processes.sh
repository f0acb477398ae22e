# shellcheck shell=bash
# processes.sh - the programs of one run: configuration, start, stop, readiness.
#
# Each program runs detached, with its log in $RUN/log and its number in
# $RUN/pid. It is "there" when it answers, not when some time has passed.

PROCESSES=(postgres core door "${AGENTS[@]}")

processes_known() {
  local name
  for name in "${PROCESSES[@]}"; do [[ $name == "$1" ]] && return 0; done
  echo "quickstart: no such process: $1 (there are: ${PROCESSES[*]})" >&2
  return 2
}

processes_configure() {
  local office key
  key=$(<"$RUN/hub/office/curve.pub")
  cat >"$RUN/core.conf" <<CONF
db = $(cluster_conninfo corridor_broker)
office_dir = $RUN/hub/office
channel = ipc://$RUN/channel/core
status = $(ports_of core-status)
demo_clock = $RUN/clock
log_level = info
CONF
  cat >"$RUN/door.conf" <<CONF
listen = $(ports_of door)
core = ipc://$RUN/channel/core
curve_secret = $RUN/hub/office/curve.key
run_dir = $RUN/door
status = $(ports_of door-status)
demo_clock = $RUN/clock
log_level = info
CONF
  for office in "${AGENTS[@]}"; do
    cat >"$RUN/$office/agent.conf" <<CONF
office_dir = $RUN/$office/office
store = $RUN/$office/store.db
socket = $RUN/$office/agent.sock
brokers = tcp://$(ports_of door)
hub_key = $key
status = $(ports_of "$office-status")
demo_clock = $RUN/clock
catalogue = $DEPLOY/catalogue
names = $DEPLOY/names
log_level = info
CONF
  done
}

processes_config() {
  case $1 in
    core | door) printf '%s\n' "$RUN/$1.conf" ;;
    *) printf '%s\n' "$RUN/$1/agent.conf" ;;
  esac
}

# The program's own process number while it runs; false otherwise. (Its command
# line tells it from another that got the number since; /proc/PID/exe would not
# do, since the daemons keep others, their own account included, from looking.)
processes_pid() {
  local pid
  [[ -r $RUN/pid/$1 ]] || return 1
  pid=$(<"$RUN/pid/$1")
  grep -qzxF -- "$(processes_config "$1")" "/proc/$pid/cmdline" 2>/dev/null && printf '%s\n' "$pid"
}

processes_running() {
  if [[ $1 == postgres ]]; then cluster_running; else processes_pid "$1" >/dev/null; fi
}

processes_any() {
  local name
  for name in "${PROCESSES[@]}"; do processes_running "$name" && return 0; done
  return 1
}

# True when http://$1/healthz answers 200.
processes_healthy() {
  local answer
  exec 4<>"/dev/tcp/${1%:*}/${1#*:}" || return 1
  printf 'GET /healthz HTTP/1.0\r\n\r\n' >&4
  IFS= read -r -t 2 answer <&4
  exec 4>&-
  [[ $answer == *" 200 "* ]]
}

processes_ready() {
  case $1 in
    postgres) cluster_running ;;
    core | door) (processes_healthy "$(ports_of "$1-status")") ;;
    *) [[ $("$BIN/corridor" --agent "$RUN/$1/agent.sock" --json status) =~ \"connected\":\ *true ]] ;;
  esac
}

processes_spawn() {
  local name=$1
  shift
  setsid "$@" </dev/null >>"$RUN/log/$name.log" 2>&1 &
  printf '%s\n' "$!" >"$RUN/pid/$name"
  wait_for "$name to begin" 10 processes_begun "$name" "$!" || true
}

# Until it is itself, its command line is this script's, as if it had ended.
processes_begun() {
  processes_pid "$1" >/dev/null || ! kill -0 "$2" 2>/dev/null
}

# A program that ended while we wait for it will not become ready.
processes_ready_or_gone() {
  processes_ready "$1" || ! processes_running "$1"
}

processes_start() {
  local name=$1
  processes_known "$name" || return
  if processes_running "$name"; then
    echo "$name is running"
    return 0
  fi
  case $name in
    postgres) cluster_start || return ;;
    core | door) processes_spawn "$name" "$BIN/corridor-broker" "$name" --config "$(processes_config "$name")" ;;
    *) processes_spawn "$name" "$BIN/corridor-agent" --config "$(processes_config "$name")" ;;
  esac
  # An agent without its hub runs well and keeps what it cannot send, and a core
  # waits for its database: then being there is all that can be asked.
  wait_for "$name to answer" "${2:-30}" processes_ready_or_gone "$name" || true
  if ! processes_running "$name"; then
    echo "$name has ended; the end of $RUN/log/$name.log:" >&2
    tail -n 10 "$RUN/log/$name.log" | sed 's/^/    /' >&2
    return 1
  fi
  processes_ready "$name" 2>/dev/null && echo "$name is ready" || echo "$name runs, but is not ready yet"
}

processes_stop() {
  local name=$1 pid
  processes_known "$name" || return
  if [[ $name == postgres ]]; then
    cluster_stop && echo "postgres is stopped"
    return
  fi
  if ! pid=$(processes_pid "$name"); then
    rm -f "$RUN/pid/$name"
    echo "$name does not run"
    return 0
  fi
  kill -TERM "$pid"
  if ! wait_for "$name to drain and end" 30 processes_gone "$name"; then
    echo "$name did not end by itself and is killed; nothing acknowledged is lost by that" >&2
    kill -KILL "$pid"
    wait_for "$name to be gone" 10 processes_gone "$name"
  fi
  rm -f "$RUN/pid/$name"
  echo "$name is stopped"
}

processes_gone() { ! processes_pid "$1"; }

processes_stop_all() {
  local i
  for ((i = ${#PROCESSES[@]} - 1; i >= 0; i--)); do
    processes_running "${PROCESSES[i]}" || continue
    processes_stop "${PROCESSES[i]}"
  done
}
