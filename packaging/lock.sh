#!/usr/bin/env bash
# Pin the packages of the bare install, of each extra and of the container image, with the hashes of their files, for
# every platform and Python: packaging/locks/NAME.txt. Pins that still fit are kept; UPGRADE=1 takes the newest releases.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:?usage: packaging/lock.sh PYTHON}

lock() { # NAME [EXTRA ...]
  local name=$1 options=(--quiet --universal --generate-hashes --no-annotate --no-emit-package photoseek)
  shift
  for extra; do options+=(--extra "$extra"); done
  [ -z "${UPGRADE:-}" ] || options+=(--upgrade)
  "$python" -m uv pip compile "${options[@]}" --custom-compile-command "make locks" pyproject.toml \
    --output-file "packaging/locks/$name.txt"
}

lock runtime
lock container annoy app faiss mcp pgvector serve watch
for extra in $("$python" packaging/extras.py); do
  lock "$extra" "$extra"
done
