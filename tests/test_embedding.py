"""Run the examples of docs/embedding.md, unchanged, with a small gallery in ``~/Photos``."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import io
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photoseek import Gallery, Searcher
from photoseek.captions import Caption
from photoseek.encoders.encoders import ImageEncoder
from tiny_bundle import COLORS
from tiny_photos import write_color
from typed_commands import environment

DOCUMENT = Path(__file__).parents[1] / "docs" / "embedding.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text("utf-8"), flags=re.S | re.M)


def block(begins: str) -> str:
    (found,) = [code for code in BLOCKS if code.startswith(begins)]
    return found


def module(name: str, folder: Path) -> ModuleType:
    """Write a block to the file that its first line names, and import it."""
    file = folder / f"{name}.py"
    file.write_text(block(f"# {name}.py"))
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    imported = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(imported)
    return imported


@pytest.fixture
def client(home: Path) -> Iterator[Any]:
    """Yield a client of the FastAPI app while the app runs."""
    pytest.importorskip("fastapi")
    from fastapi.testclient import TestClient

    with TestClient(module("web", home).app) as client:
        yield client


def test_every_block_is_run_by_a_test() -> None:
    begins = [
        "# filtered.py",
        "# web.py",
        "# asynchronous.py",
        "# vectors.py",
        "# pool.py",
        "# tasks.py",
        "# retriever.py",
        "from PIL",
        "contact_sheet(",
    ]
    assert sorted(BLOCKS) == sorted(block(each) for each in begins)


def run(name: str, folder: Path) -> str:
    """Run a block as a program, and return what it prints."""
    file = folder / f"{name}.py"
    file.write_text(block(f"# {name}.py"))
    command = [sys.executable, str(file)]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_filter_restricts_a_search(home: Path) -> None:
    for name, size, date in (
        ("match", (60, 40), "2024:07:01"),
        ("tall", (40, 60), "2024:07:01"),
        ("old", (60, 40), "2023:07:01"),
    ):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = f"{date} 12:00:00"
        Image.new("RGB", size, COLORS["red"]).save(home / "Photos" / f"{name}.jpg", exif=exif)
    with Gallery.open(home / "Photos") as gallery:
        gallery.index()
    assert run("filtered", home) == "match.jpg 2024-07-01 12:00:00\n"


def test_asynchronous_searches(home: Path) -> None:
    printed = [line.split("\t") for line in run("asynchronous", home).splitlines()]
    assert [text for text, _ in printed] == ["red", "a blue picture", "green"]
    assert [path.split("/")[0] for _, path in printed] == ["red", "blue", "green"]


def test_vectors_from_elsewhere(home: Path) -> None:
    for number in range(2):
        write_color(home / "Photos" / f"new-{number}.png", COLORS["red"], seed=70 + number)
    with Gallery.open(home / "Photos") as gallery:
        bundle = gallery.bundles.load()
    paths = ["new-0.png", "new-1.png"]
    vectors = ImageEncoder(bundle).encode([home / "Photos" / path for path in paths])
    np.savez(home / "vectors.npz", paths=paths, vectors=vectors, fingerprint=bundle.fingerprint)
    assert run("vectors", home) == "2 photos are new\n"
    with Gallery.open(home / "Photos") as gallery:
        assert set(paths) < {hit.path for hit in Searcher(gallery).search("red", k=6)}


def test_the_app_searches_by_text_and_by_photo(client: Any, home: Path) -> None:
    hits = client.get("/search", params={"q": "red", "k": 4}).json()
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4]
    assert {hit["path"].split("/")[0] for hit in hits} == {"red"}
    photo = (home / "Photos" / "blue" / "blue-1.png").read_bytes()
    assert client.post("/similar", files={"photo": photo}).json()[0]["path"] == "blue/blue-1.png"
    best = client.get("/best", params={"q": "green"})
    assert best.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(best.content)).size


def test_the_app_returns_422_for_invalid_requests(client: Any) -> None:
    broken = client.get("/search", params={"q": "red + "})
    assert broken.status_code == 422
    assert "expected words after '+'" in broken.json()["detail"]
    not_a_photo = client.post("/similar", files={"photo": b"no photo"})
    assert not_a_photo.status_code == 422
    assert not_a_photo.json()["detail"].startswith("not a photo of a known format")
    assert client.get("/search", params={"q": "red", "k": 0}).status_code == 422


def test_the_process_pool_searches(home: Path) -> None:
    (home / "pool.py").write_text(block("# pool.py"))
    done = subprocess.run(
        [sys.executable, "pool.py"],
        cwd=home,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [line.split("\t") for line in done.stdout.splitlines()]
    assert [text for text, _ in found] == ["red", "blue", "a green picture"]
    assert [path.split("/")[0] for _, path in found] == ["red", "blue", "green"]


def test_a_searcher_cannot_be_pickled(home: Path) -> None:
    searcher = Searcher(Gallery.open(home / "Photos"))
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(searcher)


def test_the_celery_task_searches(home: Path) -> None:
    """Apply the task in this process, which needs no broker."""
    pytest.importorskip("celery")
    tasks = module("tasks", home)
    assert tasks.searcher.cache_info().currsize == 0  # nothing is opened before the first task
    hits = tasks.search.apply(args=["red"], kwargs={"k": 2}).get()
    assert [hit["path"].split("/")[0] for hit in hits] == ["red", "red"]
    assert tasks.searcher.cache_info().currsize == 1


def test_the_retriever_is_a_part_of_a_chain(home: Path) -> None:
    pytest.importorskip("langchain_core")
    from langchain_core.runnables import RunnableLambda

    reds = [f"red/{file.name}" for file in (home / "Photos" / "red").iterdir()]
    with Gallery.open(home / "Photos") as gallery:
        gallery.add_captions([Caption(path, number, f"a wall {number}") for path in reds for number in range(2)])
    example = module("retriever", home)
    retriever = example.retriever.model_copy(update={"k": 4})
    found = retriever.invoke("a red picture")
    best, *others = [(document.metadata["path"], document.page_content) for document in found]
    assert best == (best[0], f"{best[0]}\ntaken: unknown\na wall 0\na wall 1")
    assert best[0] in reds
    assert others[0] == (others[0][0], f"{others[0][0]}\ntaken: unknown")
    assert not {path for path, _ in others} & {*reds}  # near-duplicates are one document
    assert retriever.invoke(" ") == []
    chain = retriever | RunnableLambda(lambda documents: [each.metadata["path"] for each in documents])
    assert asyncio.run(chain.ainvoke("a red picture")) == [document.metadata["path"] for document in found]
    assert "taken: unknown\na wall 0" in example.find_photos.invoke({"query": "a red picture"})


def test_the_notebook_displays_the_hits(home: Path) -> None:
    assert (home / "Photos").is_dir()
    cells: dict[str, Any] = {}
    exec(compile(block("from PIL"), "cell 1", "exec"), cells)
    sheet = eval(compile(ast.parse(block("contact_sheet(").strip(), mode="eval"), "cell 2", "eval"), cells)
    assert sheet.size == (4 * 240, 2 * 260)
    for column in range(4):  # the four best are the red ones
        red, green, blue = sheet.getpixel((column * 240 + 3, 3))
        assert abs(red - COLORS["red"][0]) < 30
        assert max(green, blue) < 70
    assert sheet._repr_png_().startswith(b"\x89PNG")  # called by Jupyter
