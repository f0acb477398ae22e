# shellcheck shell=bash
# cluster.sh - a private PostgreSQL cluster for one run.
#
# Checksums on, no TCP. Whoever reaches its socket directory (mode 0700) is
# trusted. PostgreSQL refuses to run as root, so root gives it to the account
# `postgres`; if that account cannot reach the run's folder (a clone under /root,
# say) the cluster lives in /var/tmp and the run links to it.

cluster_bin() {
  local bin
  bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5 -n | tail -n 1)
  if [[ ! -x $bin/initdb ]]; then
    echo "cluster: no PostgreSQL server found under /usr/lib/postgresql" >&2
    return 1
  fi
  printf '%s\n' "$bin"
}

cluster_as() {
  if [[ $(id -u) -eq 0 ]]; then
    # Its own directory, since the caller's may be closed to that account.
    (cd / && exec runuser -u postgres -- "$@")
  else
    "$@"
  fi
}

cluster_make() {
  local bin dir=$RUN/cluster
  bin=$(cluster_bin)
  if [[ $(id -u) -eq 0 ]]; then
    if cluster_as test -x "${RUN%/*}" && chmod 0711 "$RUN" && cluster_as test -x "$RUN"; then
      mkdir -m 0700 "$dir"
    else
      chmod 0700 "$RUN"
      dir=$(mktemp -d /var/tmp/corridor-pg-XXXXXX)
      ln -s "$dir" "$RUN/cluster"
    fi
    chown postgres: "$dir"
  else
    mkdir -m 0700 "$dir"
  fi
  dir=$(readlink -f "$RUN/cluster")
  cluster_as mkdir -m 0700 "$dir/socket"
  cluster_as "$bin/initdb" -D "$dir/data" -k --auth=trust --username=postgres --encoding=UTF8 --locale=C
  cluster_as tee -a "$dir/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$(cluster_socket)'
CONF
}

# The path by which the socket is reached must be short (see runs.sh).
cluster_socket() {
  local dir
  dir=$(readlink -f "$RUN/cluster")
  if ((${#dir} > RUNS_PATH_MAX + 20)); then dir=$RUN/cluster; fi
  printf '%s/socket\n' "$dir"
}

cluster_conninfo() {
  printf 'host=%s dbname=corridor user=%s\n' "$(cluster_socket)" "$1"
}

cluster_running() {
  cluster_as "$(cluster_bin)/pg_ctl" -D "$(readlink -f "$RUN/cluster")/data" status >/dev/null 2>&1
}

cluster_start() {
  local dir
  dir=$(readlink -f "$RUN/cluster")
  cluster_running || cluster_as "$(cluster_bin)/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 -s start
}

cluster_stop() {
  local dir
  dir=$(readlink -f "$RUN/cluster") || return 0
  if cluster_running; then cluster_as "$(cluster_bin)/pg_ctl" -D "$dir/data" -m fast -w -t 60 -s stop; fi
}

cluster_createdb() {
  cluster_as "$(cluster_bin)/createdb" -h "$(cluster_socket)" -U postgres corridor
}
