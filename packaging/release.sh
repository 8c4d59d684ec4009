#!/usr/bin/env bash
# Build the wheel and the sdist into dist/, check both in clean environments, list and audit what they depend on, and
# write SHA256SUMS. RELEASE_KEY=ID also signs it with gpg. Nothing is uploaded. What could not be done is said at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${1:?usage: packaging/release.sh BIN, the folder of the programs of the extra dev}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
missing=()

step() { echo "== $*"; }

step "build"
rm -rf dist
"$bin/python" -m build --quiet --outdir dist .
"$bin/python" -m twine check --strict dist/*
version=$(basename dist/*.whl | cut -d- -f2)

for file in dist/*; do
  step "$file with the locked packages"
  rm -rf "$work/venv"
  python3 -m venv "$work/venv"
  pip=("$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile)
  "${pip[@]}" --require-hashes --requirement packaging/locks/runtime.txt
  "${pip[@]}" --no-deps "$file"
  "$work/venv/bin/pip" check
  "$work/venv/bin/photoseek" verify demo
  XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state "$work/venv/bin/photoseek" demo --query "a red car at night" -k 3
done

step "the wheel with the newest packages"
packaging/check_wheel.sh dist "$bin" pip uvx pipx

for python in python3.11 python3.12 python3.13 python3.14; do
  if "$python" --version >/dev/null 2>&1; then
    step "the tests of the wheel with $python"
    packaging/check_python.sh dist "$bin/uv" "$python"
  else
    missing+=("the tests with $python, which is not installed")
  fi
done

step "bill of materials"
"$bin/cyclonedx-py" environment --pyproject pyproject.toml --output-reproducible --output-file "dist/photoseek-$version.cdx.json" \
  "$work/venv/bin/python"

step "audit of the locked packages"
for lock in packaging/locks/*.txt; do
  name=$(basename "$lock" .txt)
  rm -f "$work/audit.json"
  if "$bin/pip-audit" --disable-pip --require-hashes --progress-spinner off --format json --output "$work/audit.json" \
    --requirement "$lock" >"$work/audit.log" 2>&1; then
    echo "$name: no known vulnerability"
  elif [ -s "$work/audit.json" ]; then
    cat "$work/audit.log" "$work/audit.json"
    echo "$name: known vulnerabilities; take fixed releases with: UPGRADE=1 make locks" >&2
    exit 1
  else
    tail -n 1 "$work/audit.log" >&2
    missing+=("the audit: the database of vulnerabilities cannot be reached")
    break
  fi
done

step "checksums"
(cd dist && sha256sum -- * | tee "$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)
if [ -n "${RELEASE_KEY:-}" ]; then
  gpg --batch --local-user "$RELEASE_KEY" --armor --detach-sign dist/SHA256SUMS
else
  missing+=("the signature: RELEASE_KEY names no key of gpg")
fi

[ ${#missing[@]} -eq 0 ] || printf 'NOT DONE: %s\n' "${missing[@]}" >&2
