"""Clients that generators make of ``/openapi.json`` work. ``make clients`` installs the generators."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from photoseek import Gallery, Searcher
from photoseek.service.app import make_app
from running_service import running
from tiny_bundle import COLORS

ROOT = Path(__file__).parents[3]
GENERATORS = ROOT / ".venv-clients"
SCRIPTS = ROOT / "tests" / "clients"
INDEX_TOKEN = "fedcba9876543210"

PYTHON = GENERATORS / "bin" / "openapi-python-client"
NODE_MODULES = GENERATORS / "node_modules"


@pytest.fixture
def client(gallery: Gallery) -> Iterator[httpx.Client]:
    """A client of a service that a client may index."""
    with running(make_app(Searcher(gallery, mode="service"), index_token=INDEX_TOKEN)) as client:
        yield client


def run(*command: object, folder: Path) -> str:
    """Run a command, and return what it prints."""
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expected(photo: str, client: httpx.Client) -> dict[str, Any]:
    """Return what each script prints, by requests without a generated client."""

    def found(**fields: object) -> list[str]:
        return [hit["path"] for hit in client.post("/v1/search", json=fields).json()["hits"]]

    return {
        "text": found(text="red", k=2, folder="red"),
        "by_address": found(text="red", k=2),
        "by_photo": [photo],
        "batch": [found(text="red"), found(text="blue", k=3)],
        "dimensions": [client.post("/v1/embed", json={"texts": ["red"]}).json()["dim"]] * 2,
        "folders": dict.fromkeys(sorted(COLORS), 4),
        "thumbnail": True,
        "refused": [422, "invalid_query"],
        "indexed": ["completed", 24],
    }


UPLOAD = """
declare const process: { argv: string[] };
const bytes = Uint8Array.from(atob(process.argv[2]), (character) => character.charCodeAt(0));
const uploaded = (await searchByPhoto(new File([bytes], "photo.png"))).data!;
console.log(JSON.stringify([uploaded.hits[0].path, uploaded.hits.length]));
"""


def documented(client: httpx.Client) -> str:
    """Return the example of docs/service.md, with the address of a client."""
    (example,) = re.findall(r"^```ts\n(.*?)^```$", (ROOT / "docs" / "service.md").read_text("utf-8"), re.M | re.S)
    assert example.count("http://localhost:8731") == 1
    return str(example).replace("http://localhost:8731", str(client.base_url).rstrip("/"))


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON.exists(), reason="openapi-python-client is not installed; run: make clients")
def test_a_generated_python_client_works(client: httpx.Client, photos: Path, tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    document.write_bytes(client.get("/openapi.json").content)
    options = ("--output-path", tmp_path / "generated", "--meta", "none", "--config", SCRIPTS / "python.yaml")
    printed = run(PYTHON, "generate", "--path", document, *options, "--fail-on-warning", folder=tmp_path)
    assert "WARNING" not in printed
    shutil.copy(SCRIPTS / "client.py", tmp_path)
    photo = "blue/blue-1.png"
    python = PYTHON.with_name("python")
    found = run(python, "client.py", client.base_url, INDEX_TOKEN, photos / photo, folder=tmp_path)
    assert json.loads(found) == expected(photo, client)


@pytest.mark.slow
@pytest.mark.skipif(
    not NODE_MODULES.exists(), reason="openapi-typescript is not installed; run, with node: make clients"
)
def test_a_generated_typescript_client_works(client: httpx.Client, photos: Path, tmp_path: Path) -> None:
    for name in ("client.ts", "tsconfig.json", "package.json"):
        shutil.copy(SCRIPTS / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    document = tmp_path / "openapi.json"
    document.write_bytes(client.get("/openapi.json").content)
    (tmp_path / "documented.ts").write_text(documented(client) + UPLOAD, "utf-8")
    commands = NODE_MODULES / ".bin"
    run(commands / "openapi-typescript", document, "--output", "schema.ts", folder=tmp_path)
    run(commands / "tsc", folder=tmp_path)  # a wrong type is an error
    photo = "blue/blue-1.png"
    encoded = base64.b64encode((photos / photo).read_bytes()).decode()
    found = run("node", "out/client.js", client.base_url, INDEX_TOKEN, encoded, folder=tmp_path)
    assert json.loads(found) == expected(photo, client)
    uploaded = json.loads(run("node", "out/documented.js", encoded, folder=tmp_path))
    assert uploaded == ["blue/blue-1.png", 10]
