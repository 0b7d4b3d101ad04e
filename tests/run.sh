#!/usr/bin/env bash
# Sets up, builds and runs every test. `tests/run.sh quick` leaves out what is marked slow.
# The last line counts all tests; exit code 1 if one failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tier=${1:-full}
case $tier in
full | quick) ;;
*)
  echo "usage: tests/run.sh [quick]" >&2
  exit 1
  ;;
esac
export THRESH_TEST_TIER=$tier
export PATH="$PWD/.venv/bin:$PATH"

# stage TITLE COMMAND...: runs the command under a heading, and says how long it took.
stage() {
  local title=$1 start=$SECONDS status=0
  shift
  echo "==> $title"
  "$@" || status=$?
  echo "    $title: $((SECONDS - start)) s"
  return $status
}

rm -f build/tests/results/*.xml

stage "set up" ./setup.sh
stage "configure" cmake --preset release --log-level=WARNING
stage "build" cmake --build build --target all thresh-unit-tests

# A runner that fails is counted in the summary; the ones after it still run.
stage "unit tests" cmake --build build --target check-thresh-unit || true
stage "lit tests" cmake --build build --target check-thresh-lit || true
stage "Python tests" cmake --build build --target check-thresh-py || true

.venv/bin/python tests/summary.py build/tests/results/{unit,lit,pytest}.xml
