#!/usr/bin/env bash
# openapi-python-client 0.29.1: the module of an operation that requires JSON or a form cannot be imported.
#
# Expected: for a request body with "required": true and two media types, the generated function takes one of two models.
# Found: its parameter is `body: Text | Photo | Unset = UNSET`, as for an optional body, and the module does not import Unset, so
# importing it raises NameError. The generator reports no problem. With "required": false, or one media type, it imports
# (source: templates/endpoint_macros.py.jinja of the package: a variable that Jinja sets in a loop ends with the loop).
# Workaround: say "required": false, and let the server refuse a request without a body.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet openapi-python-client==0.29.1
cd "$work"
export PATH="$work/venv/bin:$PATH"
python - <<'PY'
import json
import subprocess
import sys

TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
PHOTO = {"type": "object", "properties": {"photo": {"type": "string", "format": "binary"}}, "required": ["photo"]}
BODIES = {
    "application/json": {"schema": {"$ref": "#/components/schemas/Text"}},
    "multipart/form-data": {"schema": {"$ref": "#/components/schemas/Photo"}},
}


def imports(name: str, kinds: list[str], required: bool) -> str:
    """Generate a client, import the module of its operation, and return the last line of the error."""
    body = {"required": required, "content": {kind: BODIES[kind] for kind in kinds}}
    answers = {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "string"}}}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": name, "version": "1"},
        "paths": {"/search": {"post": {"operationId": "search", "requestBody": body, "responses": answers}}},
        "components": {"schemas": {"Text": TEXT, "Photo": PHOTO}},
    }
    with open(f"{name}.json", "w", encoding="utf-8") as file:
        json.dump(document, file)
    command = ["openapi-python-client", "generate", "--path", f"{name}.json", "--output-path", name, "--meta", "none"]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    done = subprocess.run([sys.executable, "-c", f"import {name}.api.default.search"], capture_output=True, text=True)
    return done.stderr.strip().rpartition("\n")[2]


both = list(BODIES)
found = {
    "two kinds, required": imports("both", both, True),
    "two kinds, optional": imports("optional", both, False),
    "JSON, required": imports("single", both[:1], True),
}
for name, error in found.items():
    print(f"{name}: {error or 'imported'}")
assert "name 'Unset' is not defined" in found["two kinds, required"]
assert not found["two kinds, optional"]
assert not found["JSON, required"]
PY
echo "holds: openapi-python-client 0.29.1 generates a module without the import of Unset for a required body of two kinds"
