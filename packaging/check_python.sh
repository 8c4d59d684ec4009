#!/usr/bin/env bash
# Test the wheel of a folder with another Python, such as python3.13, in a new environment.
set -euo pipefail
folder=$(realpath "${1:?usage: packaging/check_python.sh FOLDER UV PYTHON}")
uv=$2 python=$(command -v "$3")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$uv" venv --quiet --python "$python" "$work/venv"
"$uv" pip install --quiet --python "$work/venv/bin/python" "$folder"/*.whl pytest pytest-xdist hypothesis onnx
"$(dirname "$0")/test_wheel.sh" "$work/venv/bin/python"
