#!/bin/bash
# The whole tree compiles with clang too, with the same warnings as errors.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
CC=clang cmake -G Ninja -S . -B build/clang -DCMAKE_BUILD_TYPE=Debug >/dev/null
cmake --build build/clang --parallel 2
