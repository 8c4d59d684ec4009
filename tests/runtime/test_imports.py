"""What the runtime brings into a process, and what it leaves outside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import photoseek

HEAVY = (
    "torch",
    "torchvision",
    "transformers",
    "streamlit",
    "fastapi",
    "uvicorn",
    "matplotlib",
    "onnx",
    "sklearn",
    "pandas",
    "fsspec",
    "pyarrow",
    "ray",
)


def run(code: str, **environment: str) -> str:
    """Run Python code in a fresh process and return what it printed."""
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**kept, **environment},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_photoseek_brings_in_nothing_heavy() -> None:
    loaded = run(f"import sys, photoseek; print([name for name in {HEAVY!r} if name in sys.modules])")
    assert loaded == "[]"


def test_importing_photoseek_does_not_start_onnxruntime() -> None:
    names = ("onnxruntime", "tokenizers", "annoy", "faiss", "typer", "rich")
    assert run(f"import sys, photoseek; print([name for name in {names!r} if name in sys.modules])") == "[]"


def test_a_query_from_the_command_line_brings_in_nothing_heavy(tiny_bundle_path: Path, photos: Path) -> None:
    code = f"""
import sys
from photoseek import Bundle, Gallery, Searcher
gallery = Gallery.open_or_create({str(photos)!r}, Bundle.load({str(tiny_bundle_path)!r}))
gallery.index()
assert Searcher(gallery).search("red", k=1)[0].path.startswith("red/")
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    assert run(code) == "[]"


def test_onnxruntime_reports_to_nobody(tiny_bundle_path: Path, tmp_path: Path) -> None:
    """Its telemetry leaves a folder in the user's cache when it is on; CI is unset, for it would hide that."""
    code = f"""
from photoseek import Bundle
from photoseek.encoders.encoders import TextEncoder
TextEncoder(Bundle.load({str(tiny_bundle_path)!r})).encode(["red"])
"""
    run(code, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / ".cache"))
    assert list(tmp_path.rglob("*")) == []


def test_the_public_names_are_these() -> None:
    assert photoseek.__all__ == ["Bundle", "Gallery", "Hit", "PhotoseekError", "Reranker", "Searcher", "__version__"]
    assert all(hasattr(photoseek, name) for name in photoseek.__all__)


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(photoseek.__file__).parent / "py.typed").is_file()
