#!/usr/bin/env bash
# Install the wheel of a folder as users do, with pip, uvx and pipx, each in a new environment, and search with it.
set -euo pipefail
folder=$(realpath "${1:?usage: packaging/check_wheel.sh FOLDER BIN [pip|uvx|pipx ...]}")
bin=$(realpath "${2:?the folder of the programs uv and pipx}")
shift 2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state PIPX_HOME=$work/pipx
export PIP_FIND_LINKS="$folder ${PIP_FIND_LINKS:-}" UV_FIND_LINKS=$folder # pipx installs with uv, or with pip
unset PYTHONPATH

search() { # the words of a command: search the demo with it
  "$@" demo -k 1 --json >"$work/hits.json"
  grep -q '"rank": 1' "$work/hits.json"
}

by_pip() {
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile photoseek
  "$work/venv/bin/photoseek" verify demo
  search "$work/venv/bin/photoseek"
}
by_uvx() { search "$bin/uvx" --quiet photoseek; }
by_pipx() { search "$bin/pipx" run --quiet photoseek; }

for tool in "${@:-pip uvx pipx}"; do
  for each in $tool; do
    "by_$each"
    echo "ok: photoseek by $each"
  done
done
