"""Which modules and side effects the runtime brings into a process."""

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


def test_importing_photoseek_imports_no_heavy_package() -> None:
    loaded = run(f"import sys, photoseek; print([name for name in {HEAVY!r} if name in sys.modules])")
    assert loaded == "[]"


def test_importing_photoseek_does_not_start_onnxruntime() -> None:
    names = ("onnxruntime", "tokenizers", "annoy", "faiss", "typer", "rich")
    assert run(f"import sys, photoseek; print([name for name in {names!r} if name in sys.modules])") == "[]"


def test_a_query_from_the_command_line_imports_no_heavy_package(tiny_bundle_path: Path, photos: Path) -> None:
    code = f"""
import sys
from photoseek import Bundle, Gallery, Searcher
gallery = Gallery.open_or_create({str(photos)!r}, Bundle.load({str(tiny_bundle_path)!r}))
gallery.index()
assert Searcher(gallery).search("red", k=1)[0].path.startswith("red/")
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    assert run(code) == "[]"


def test_a_command_starts_without_pydantic() -> None:
    """typer 0.29 imports it to parse arguments, which takes as long as importing numpy."""
    code = """
import atexit, sys
atexit.register(lambda: print("pydantic" in sys.modules))
sys.argv = ["photoseek", "info", "demo", "--json"]
from photoseek.cli.app import main
main()
"""
    assert run(code).splitlines()[-1] == "False"


def test_onnxruntime_sends_no_telemetry(tiny_bundle_path: Path, tmp_path: Path) -> None:
    """If its telemetry is on, it creates a folder in the user's cache; CI is unset, because it disables telemetry."""
    code = f"""
from photoseek import Bundle
from photoseek.encoders.encoders import TextEncoder
TextEncoder(Bundle.load({str(tiny_bundle_path)!r})).encode(["red"])
"""
    run(code, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / ".cache"))
    assert list(tmp_path.rglob("*")) == []


def test_the_public_names_are_unchanged() -> None:
    names = ["AsyncSearcher", "Bundle", "Filter", "Gallery", "Hit"]
    names += ["PhotoseekError", "Reranker", "Searcher", "__version__"]
    assert photoseek.__all__ == names
    assert all(hasattr(photoseek, name) for name in photoseek.__all__)


def test_the_package_is_marked_as_typed() -> None:
    assert (Path(photoseek.__file__).parent / "py.typed").is_file()
