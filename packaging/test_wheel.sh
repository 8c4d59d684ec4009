#!/usr/bin/env bash
# Test what a wheel can break, with the Python of an environment that has the wheel, pytest, pytest-xdist, hypothesis and
# onnx: imports, entry points, package data, missing extras, and one path from photos to hits.
set -euo pipefail
python=${1:?usage: packaging/test_wheel.sh PYTHON}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$(dirname "$0")/../tests" "$(dirname "$0")/../pyproject.toml" "$work" # away from the sources: tests import the wheel
cd "$work"
unset PYTHONPATH
OMP_NUM_THREADS=1 "$python" -m pytest --numprocesses="${JOBS:-auto}" --dist=loadfile tests/runtime/test_imports.py tests/runtime/cli \
  tests/runtime/test_platforms.py tests/runtime/bundle/test_bundle.py tests/runtime/demo tests/runtime/search/test_searcher.py \
  tests/runtime/vector_index tests/runtime/photos tests/runtime/sources/test_resolve.py
