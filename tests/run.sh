#!/usr/bin/env bash
# Sets up, builds and runs every test. `tests/run.sh quick` leaves out what is marked slow; `tests/run.sh asan` runs a
# build with AddressSanitizer and UBSan, where it can. The last line counts all tests; exit code 1 if one failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tier=${1:-full}
case $tier in
full | quick) preset=release build=build ;;
asan) preset=asan build=build-asan ;;
*)
  echo "usage: tests/run.sh [quick | asan]" >&2
  exit 1
  ;;
esac
export THRESH_TEST_TIER=$tier
export PATH="$PWD/.venv/bin:$PATH"
# Vectors and arenas cross between our code and the libraries of LLVM, which are built without the sanitizer.
export ASAN_OPTIONS=detect_container_overflow=0:allow_user_poisoning=0

# stage TITLE COMMAND...: runs the command under a heading, and says how long it took.
stage() {
  local title=$1 start=$SECONDS status=0
  shift
  echo "==> $title"
  "$@" || status=$?
  echo "    $title: $((SECONDS - start)) s"
  return $status
}

rm -f $build/tests/results/*.xml

stage "set up" ./setup.sh
stage "configure" cmake --preset $preset --log-level=WARNING
stage "build" cmake --build $build --target all thresh-unit-tests

# A runner that fails is counted in the summary; the ones after it still run.
stage "unit tests" cmake --build $build --target check-thresh-unit || true
stage "lit tests" cmake --build $build --target check-thresh-lit || true
stage "Python tests" cmake --build $build --target check-thresh-py || true

.venv/bin/python tests/summary.py $build/tests/results/{unit,lit,pytest}.xml
