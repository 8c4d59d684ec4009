#!/usr/bin/env bash
# typer 0.29.0: every command imports pydantic to parse its arguments; before, a command started without it.
#
# Expected: a minor release of a thin layer over Click starts a command as fast as the one before.
# Found: typer/_adapters.py imports pydantic, which 0.29.0 requires, when the first parameter is converted, even if all of them
# are int or str (source: the wheels of typer 0.28.0 and 0.29.0). The same command then loads over 110 more modules and needs two
# to three times the CPU time (160 and 410 ms on a busy machine of two cores), which matters for completions and loops of a shell.
# Workaround: typer<0.29 if startup time matters, or parse the arguments of such commands with argparse.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >app.py <<'PY'
import sys

import typer

app = typer.Typer()


@app.command()
def main(count: int = 1) -> None:
    print(count, len(sys.modules), "pydantic" in sys.modules)


app()
PY
cat >measure.py <<'PY'
import os
import statistics
import subprocess
import sys
import time


def run(version):
    before = os.times()
    output = subprocess.run([f"{version}/bin/python", "app.py", "--count", "2"], capture_output=True, text=True, check=True)
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    count, modules, pydantic = output.stdout.split()
    assert count == "2"
    return cpu, int(modules), pydantic == "True"


runs = {version: [] for version in ("0.28.0", "0.29.0")}
for _ in range(21):
    for version, found in runs.items():
        found.append(run(version))
for version, found in runs.items():
    cpu = 1000 * statistics.median(cpu for cpu, _, _ in found)
    print(f"typer {version}: {found[0][1]} modules, pydantic imported: {found[0][2]}, median CPU {cpu:.0f} ms")
old, new = runs["0.28.0"], runs["0.29.0"]
ratio = statistics.median(b[0] / a[0] for a, b in zip(old, new, strict=True))
print(f"CPU time of 0.29.0 over 0.28.0: {ratio:.2f}")
assert not old[0][2] and new[0][2]
assert new[0][1] - old[0][1] > 110, (old[0], new[0])
assert ratio > 1.3, ratio
PY
for version in 0.28.0 0.29.0; do
  python3 -m venv "$version"
  "$version/bin/pip" install --quiet "typer==$version" pydantic==2.14.4
done
python3 measure.py
echo "holds: typer 0.29.0 imports pydantic for every command; 0.28.0 does not, in an environment that has it, too"
