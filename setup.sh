#!/usr/bin/env bash
# Installs what Thresh needs on Debian 12: packages from Debian, and .venv with the Python packages of
# tests/requirements.txt. Runs as root or with sudo; does nothing (quickly) when nothing is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly llvm_version='1:22.1.8*'
readonly llvm_packages=(libmlir-22-dev liblld-22-dev llvm-22-dev llvm-22-tools mlir-22-tools)
readonly packages=(
  ca-certificates ccache g++ git libgtest-dev libprotobuf-dev ninja-build nlohmann-json3-dev
  protobuf-compiler python3 python3-venv
)
readonly requirements=tests/requirements.txt
readonly stamp=.venv/.installed

die() {
  echo "setup.sh: $*" >&2
  exit 1
}

installed() {
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

install_debian_packages() {
  command -v apt-get >/dev/null || die "expects Debian 12 (or a system with its packages), but found no apt-get"
  local missing=() package
  for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
  done
  for package in "${llvm_packages[@]}"; do
    installed "$package" || missing+=("$package=$llvm_version")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0

  local as_root=()
  if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || die "expects to run as root or with sudo, to install: ${missing[*]}"
    as_root=(sudo)
  fi
  echo "setup.sh: installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The stamp holds the hash of the requirements that .venv was made from.
install_python_packages() {
  local wanted
  wanted=$(sha256sum <"$requirements")
  [[ -f $stamp && "$(cat "$stamp")" == "$wanted" ]] && return 0

  echo "setup.sh: installing the Python packages of $requirements into .venv"
  # Debian's own interpreter: the wheels are made for its version, whatever else is first on PATH.
  [[ -x .venv/bin/python ]] || /usr/bin/python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$requirements"
  echo "$wanted" >"$stamp"
}

install_debian_packages
install_python_packages
