# shellcheck shell=bash
# runs.sh - one folder for each run of the demonstration.
#
# ${CORRIDOR_HOME:-build/demo}/run-<n> holds everything of one run; `current`
# beside it names the newest. RUN is how programs name that folder: the folder
# itself, or, when its path is too long for unix sockets, a short link to it in
# a private directory. The two newest runs are kept, older ones are removed.

RUNS_HOME=${CORRIDOR_HOME:-$ROOT/build/demo}
RUN=

# A unix socket's path has at most 107 bytes; the longest name below a run is
# /gn-tvet-kindia/agent.sock, and the door adds short names of its own.
RUNS_PATH_MAX=60

runs_make() {
  local n dir
  mkdir -p "$RUNS_HOME"
  RUNS_HOME=$(cd "$RUNS_HOME" && pwd -P)
  n=$(find "$RUNS_HOME" -maxdepth 1 -name 'run-*' | sed 's/.*run-//' | sort -n | tail -n 1)
  n=$((${n:-0} + 1))
  runs_prune "$n"
  dir=$RUNS_HOME/run-$n
  mkdir -m 0700 "$dir"
  RUN=$dir
  if ((${#RUN} > RUNS_PATH_MAX)); then
    RUN=$(mktemp -d /tmp/corridor-XXXXXX)/run
    ln -s "$dir" "$RUN"
    printf '%s\n' "${RUN%/run}" >"$dir/short"
  fi
  mkdir -m 0700 "$RUN/log" "$RUN/pid" "$RUN/channel" "$RUN/door"
  printf '%s\n' "$RUN" >"$RUNS_HOME/current"
}

# Sets RUN to the newest run; false when there is none. The short link lives in
# /tmp, where after a restart of the machine anyone may have taken its name: what
# is not ours is no run.
runs_find() {
  [[ -r $RUNS_HOME/current ]] && RUN=$(<"$RUNS_HOME/current") && [[ -d $RUN/pid && -O $RUN/pid ]] &&
    [[ $RUN != /tmp/* || -O ${RUN%/*} ]]
}

# Removes all but the newest of the runs before run-$1.
runs_prune() {
  local keep=$(($1 - 1)) dir cluster short
  for dir in "$RUNS_HOME"/run-*; do
    [[ -d $dir && $dir != "$RUNS_HOME/run-$keep" ]] || continue
    cluster=$(readlink "$dir/cluster" || true)
    if [[ $cluster == /var/tmp/corridor-pg-* ]]; then rm -rf -- "$cluster"; fi
    short=$(cat "$dir/short" 2>/dev/null || true)
    if [[ $short == /tmp/corridor-?????? ]]; then rm -rf -- "$short"; fi
    rm -rf -- "$dir"
  done
}

# Shell variables of the run, for `eval`.
runs_env() {
  local name value
  for name in DB ENDPOINT SERVER_KEY CA RUN; do
    case $name in
      DB) value=$(cluster_conninfo postgres) ;;
      ENDPOINT) value="tcp://$(ports_of door)" ;;
      SERVER_KEY) value=$(<"$RUN/hub/office/curve.pub") ;;
      CA) value=$RUN/ca/ca.crt ;;
      RUN) value=$RUN ;;
    esac
    printf 'export CORRIDOR_%s=%s\n' "$name" "${value@Q}"
  done
  # shellcheck disable=SC2016 # the reader's shell expands PATH
  printf 'export PATH=%s:"$PATH"\n' "${BIN@Q}"
}

# Ports on loopback, one for each listener, chosen once for the run.
ports_choose() {
  /usr/bin/python3 - "$@" >"$RUN/ports" <<'PYTHON'
import socket, sys
held = []
for name in sys.argv[1:]:
    held.append(socket.socket())
    held[-1].bind(("127.0.0.1", 0))
    print(name, "127.0.0.1:%d" % held[-1].getsockname()[1])
PYTHON
}

ports_of() {
  awk -v name="$1" '$1 == name { print $2 }' "$RUN/ports"
}
