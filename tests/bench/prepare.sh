# shellcheck shell=bash
# prepare.sh - what tests/bench/run and tests/bench/growth need before they measure.
#
# Builds the release preset into build/release. The peers' servers and client
# libraries are Debian packages that nothing else needs: they are installed for
# tests/bench/run only, and without starting a service; each run starts its own
# on loopback and ends it. Without them the figures have no peers.

# Debian starts a server as it installs it, unless policy-rc.d forbids. One that
# stands there is the administrator's and is left alone.
prepare_forbid_services() {
  local policy=/usr/sbin/policy-rc.d
  local -a as_root=()
  [[ $(id -u) -eq 0 ]] || as_root=(sudo)
  case $1 in
    begin)
      [[ ! -e $policy ]] || return 1
      printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
      "${as_root[@]}" chmod 0755 "$policy"
      ;;
    end) "${as_root[@]}" rm -f "$policy" ;;
  esac
}

prepare_peers() {
  local -a wanted missing
  local ours=no
  mapfile -t wanted < <(packages_need peers)
  mapfile -t missing < <(packages_missing "${wanted[@]}")
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if prepare_forbid_services begin; then ours=yes; fi
  packages_install peers || echo "bench: without the packages above there are no figures of peers" >&2
  if [[ $ours == yes ]]; then prepare_forbid_services end; fi
}

prepare_build() {
  packages_install build run test
  mkdir -p build
  cmake --preset release >build/configure-release.log
  cmake --build build/release --parallel "$(nproc)"
  export CORRIDOR_SOURCE=$PWD CORRIDOR_BUILD=$PWD/build/release
}
