#!/bin/bash
# cmake --install gives the three programs, which run from there and say their
# version, with the migrations, catalogues and man pages beside them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
version=$(sed -n 's/^project(corridor VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
cmake --install build/dev --prefix "$scratch" >/dev/null
for program in corridor corridor-broker corridor-agent; do
  said=$("$scratch/bin/$program" --version)
  echo "$said"
  [[ $said == *"$version"* ]] || { echo "$program does not say version $version"; exit 1; }
  help=$("$scratch/bin/$program" --help)
  [[ $help == *"$program"* ]] || { echo "$program --help does not name itself"; exit 1; }
done
for page in man1/corridor.1 man8/corridor-agent.8 man8/corridor-broker.8; do
  [[ -s $scratch/share/man/$page ]] || { echo "no man page $page installed"; exit 1; }
done
for folder in sql catalogue names permissions; do
  [[ -n $(find "$scratch/share/corridor/$folder" -type f) ]] || { echo "no $folder installed"; exit 1; }
done
