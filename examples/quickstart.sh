#!/usr/bin/env bash
# From a fresh clone to an answer: installs what is missing, builds Thresh, compiles a real sentence-embedding model
# (all-MiniLM-L6-v2) to a shared library and searches a few dozen sentences with it. Takes queries as arguments.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly checkpoint=.cache/models/minilm
readonly library=.cache/quickstart/minilm.so

step() {
  printf '\n==> %s\n' "$1"
}

step "Setting up (packages from Debian, Python packages in .venv)"
./setup.sh
export PATH="$PWD/.venv/bin:$PATH"

step "Building (into build/)"
cmake --preset release --log-level=WARNING
cmake --build build --target thresh thresh-run thresh_runtime

step "Fetching all-MiniLM-L6-v2"
.venv/bin/python examples/minilm/fetch.py

step "Compiling it to $library"
mkdir -p "$(dirname "$library")"
build/bin/thresh compile "$checkpoint" -o "$library"
ls -lh "$(dirname "$library")"

step "Searching"
.venv/bin/python examples/semantic-search/search.py --model "$library" "$@"
