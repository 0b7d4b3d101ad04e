#!/usr/bin/env bash
# From a fresh clone to an answer: installs what is missing, builds Thresh, compiles a real sentence-embedding model
# (all-MiniLM-L6-v2) to a shared library and searches a few dozen sentences with it. Then compiles a trained Spark model,
# which reads 8 % of its feed-forward neurons for a token, and lets it continue C++. Takes queries as arguments.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly checkpoint=.cache/models/minilm
readonly library=.cache/quickstart/minilm.so
readonly writer=.cache/quickstart/tiny-spark.so

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

step "Compiling the Spark model of examples/tiny-spark to $writer"
build/bin/thresh compile examples/tiny-spark/spark -o "$writer"
ls -lh "$writer"

step "Continuing C++"
readonly prompt='#include "llvm/ADT/SmallVector.h"

namespace llvm {

class Value;

/// Returns true if'
printf '%s' "$prompt"
build/bin/thresh run "$writer" --prompt "$prompt" -n 64 --temperature 0.7 --top-p 0.9 --seed 3
