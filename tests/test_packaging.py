"""Lock files, flags of compilers and the container agree with each other and with what is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from photoseek.errors import QueryError
from photoseek.system.access_token import read_token

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "packaging" / "locks"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OPTIONAL: dict[str, list[str]] = PROJECT["optional-dependencies"]
EXTRAS = {
    "runtime": [],
    "container": ["annoy", "app", "faiss", "mcp", "pgvector", "serve", "watch"],
    **{name: [name] for name in OPTIONAL if name not in ("bench", "bench-clip", "dev")},
}


def requirements(extras: list[str]) -> list[Requirement]:
    """Return what a bare install and some extras need, with the extras that these name."""
    found: list[Requirement] = []
    for line in [*PROJECT["dependencies"], *(line for extra in extras for line in OPTIONAL[extra])]:
        each = Requirement(line)
        found += requirements(sorted(each.extras)) if each.name == "photoseek" else [each]
    return found


def test_each_extra_has_a_lock_file_and_no_other() -> None:
    assert {file.stem for file in LOCKS.iterdir()} == set(EXTRAS)


@pytest.mark.parametrize("name", EXTRAS)
def test_a_lock_file_pins_what_is_required_by_hash(name: str) -> None:
    text = (LOCKS / f"{name}.txt").read_text("utf-8")
    assert "://" not in text, "the address of an index"
    pins = [Requirement(re.split(r"\s*\\", pin)[0]) for pin in re.findall(r"^[a-z0-9].*$", text, re.MULTILINE)]
    assert all(re.fullmatch(r"==[^,*]+", str(pin.specifier)) for pin in pins)
    assert len(pins) == len(re.findall(r"^\S.*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE))
    for needed in requirements(EXTRAS[name]):
        pinned = [pin for pin in pins if pin.name == needed.name.lower()]
        assert pinned, f"{needed.name} is not pinned; run: make locks"
        for pin in pinned:
            assert needed.specifier.contains(str(pin.specifier)[2:]), f"{pin} is not {needed}; run: make locks"


def test_annoy_is_compiled_for_any_cpu_everywhere() -> None:
    sources = [ROOT / "Makefile", ROOT / "Dockerfile", ROOT / "docs" / "engines.md"]
    flags = {re.search(r"ANNOY_COMPILER_ARGS\s*\??=\s*(\S+)", file.read_text("utf-8"))[1] for file in sources}  # type: ignore[index]
    assert len(flags) == 1
    assert "-O3" in flags.pop().split(",")
    assert not [file for file in sources if "march" in file.read_text("utf-8")]


def test_the_image_receives_the_sources_and_nothing_else() -> None:
    code = "import sys; sys.path.insert(0, 'packaging'); import container; print(*container.context(), sep='\\n')"
    listed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    files = listed.stdout.splitlines()
    assert {file.split("/")[0] for file in files} == {
        *("LICENSE", "README.md", "export", "packaging", "pyproject.toml", "runtime", "train")
    }
    assert [file for file in files if file.startswith("packaging")] == ["packaging/locks/container.txt"]
    assert "runtime/photoseek/demo/bundle/photoseek.json" in files


def test_compose_asks_for_a_token_only_where_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose reads all variables for each command; the servers refuse the empty token that it then passes."""
    text = (ROOT / "compose.yaml").read_text("utf-8")
    assert re.findall(r"\$\{(\w+):\?", text) == ["PHOTOS"]
    monkeypatch.setenv("PHOTOSEEK_TOKEN", "")
    with pytest.raises(QueryError, match="PHOTOSEEK_TOKEN: expected a token of at least 16"):
        read_token(None)


def has_namespaces() -> bool:
    """Return whether bubblewrap is installed and may create what a container needs."""
    words = ["bwrap", "--ro-bind", "/", "/", "--unshare-all", "--uid", "1", "true"]
    return shutil.which("bwrap") is not None and subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(find_spec, ("fastapi", "mcp", "streamlit", "watchfiles"))), reason="needs the extras of the image"
)
def test_the_layout_of_the_container_works() -> None:
    """Another user, a read-only root, read-only photos, no network: indexing, the service, the page, health checks."""
    if not has_namespaces():
        pytest.skip("bubblewrap is not installed, or user namespaces are not allowed")
    words = [sys.executable, "packaging/container.py", "check", "/"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False, env={**os.environ})
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok: ") == 9
