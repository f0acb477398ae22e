# shellcheck shell=bash
# packages.sh - the Debian packages Corridor needs, in one place.
#
# Sourced by deploy/quickstart and tests/run. It asks apt-get only for what is
# missing, and for a newer version of the few packages that face the network or
# parse hostile bytes (packages_watched) when the archive has one. It says what
# it is about to do before it does it. It trusts apt's own configuration and
# adds no source. Missing packages that cannot be installed are fatal; a failed
# look for updates is a warning, so that work goes on offline.
#
#   packages_need GROUP...      prints the packages of build, run, test, peers (bench only)
#   packages_install GROUP...   installs and updates them; 0 when all are there

packages_need() {
  local group
  for group in "$@"; do
    case $group in
      build) printf '%s\n' gcc libc6-dev cmake ninja-build pkg-config libzmq3-dev libprotobuf-c-dev \
        protobuf-c-compiler protobuf-compiler libssl-dev libpq-dev libsqlite3-dev libmicrohttpd-dev \
        libjansson-dev libcurl4-openssl-dev libgfshare-dev libicu-dev check ;;
      run) printf '%s\n' postgresql-15 openssl python3 ;;
      test) printf '%s\n' git clang clang-format clang-tidy groff-base shellcheck spin systemd valgrind python3-zmq \
        python3-protobuf python3-psycopg2 ;;
      peers) printf '%s\n' rabbitmq-server librabbitmq-dev nats-server libnats-dev mosquitto libmosquitto-dev ;;
      *)
        echo "packages: no such group: $group" >&2
        return 2
        ;;
    esac
  done
}

# Kept at the archive's current version: they parse what strangers send, or hold
# what must not be lost. Headers stand beside their library because both must
# move together.
packages_watched() {
  printf '%s\n' openssl libssl3 libssl-dev libzmq5 libzmq3-dev postgresql-15 postgresql-client-15 \
    libpq5 libpq-dev libprotobuf-c1 libsqlite3-0 libmicrohttpd12 libcurl4 libicu72 libicu-dev
}

# The installed version of each package given, one "name version" line for each
# that is really installed.
packages_installed() {
  dpkg-query -W -f='${db:Status-Status} ${Package} ${Version}\n' "$@" 2>/dev/null |
    sed -n 's/^installed //p' || true
}

packages_missing() {
  local have name
  have=" $(packages_installed "$@" | cut -d' ' -f1 | tr '\n' ' ') "
  for name in "$@"; do
    [[ $have == *" $name "* ]] || printf '%s\n' "$name"
  done
}

# Watched packages that are installed and older than the archive's candidate.
packages_outdated() {
  local -a watched
  mapfile -t watched < <(packages_watched)
  LC_ALL=C apt-cache policy "${watched[@]}" 2>/dev/null |
    awk '/^[^ ]/ { name = $1; sub(/:$/, "", name) }
         $1 == "Installed:" { have = $2 }
         $1 == "Candidate:" && have != "(none)" && $2 != "(none)" && $2 != have { print name, have, $2 }' |
    while read -r name have candidate; do
      if dpkg --compare-versions "$have" lt "$candidate"; then printf '%s\n' "$name"; fi
    done
}

packages_apt() {
  local -a as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
      echo "packages: not root and no sudo here; as root run: apt-get $*" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 "$@" >&2
}

# True when the lists were refreshed, by us, within a day. The mark lies in the
# user's cache, so that a second run of either command starts in seconds.
packages_fresh() {
  local mark=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/corridor/apt-refreshed
  case $1 in
    is) [[ -n $(find "$mark" -mtime -1 2>/dev/null) ]] ;;
    mark) { mkdir -p "${mark%/*}" && : >"$mark"; } 2>/dev/null || return 0 ;;
  esac
}

packages_install() {
  local -a wanted missing outdated
  if ! command -v apt-get >/dev/null; then
    echo "packages: this script knows Debian's apt-get only; README.md lists what is needed" >&2
    return 1
  fi
  mapfile -t wanted < <(packages_need "$@")
  [[ ${#wanted[@]} -gt 0 ]] || return 2
  mapfile -t missing < <(packages_missing "${wanted[@]}")

  if [[ ${#missing[@]} -eq 0 ]] && packages_fresh is; then return 0; fi
  if ! packages_fresh is; then
    echo "packages: asking the archive what is current (apt-get update)" >&2
    if packages_apt update; then
      packages_fresh mark
    elif [[ ${#missing[@]} -gt 0 ]]; then
      echo "packages: trying with the package lists that are here" >&2
    else
      echo "packages: could not ask for updates; going on with what is installed" >&2
    fi
  fi
  mapfile -t outdated < <(packages_outdated)
  if [[ ${#missing[@]} -eq 0 && ${#outdated[@]} -eq 0 ]]; then return 0; fi

  if [[ ${#missing[@]} -gt 0 ]]; then echo "packages: installing ${missing[*]}" >&2; fi
  if [[ ${#outdated[@]} -gt 0 ]]; then echo "packages: updating ${outdated[*]}" >&2; fi
  if ! packages_apt install --yes --no-install-recommends "${missing[@]}" "${outdated[@]}"; then
    mapfile -t missing < <(packages_missing "${wanted[@]}")
    if [[ ${#missing[@]} -gt 0 ]]; then
      echo "packages: still missing: ${missing[*]}" >&2
      return 1
    fi
    echo "packages: the update failed; going on with what is installed" >&2
  fi
}
