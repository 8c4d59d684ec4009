"""Untrusted files are read up to a limit, and never execute code."""

from __future__ import annotations

import ast
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from photoseek.bundle.json_files import json_object
from photoseek.bundle.layouts.tokenizers import build_bert, build_clip, build_from_json, build_openai_clip
from photoseek.bundle.manifest import Manifest
from photoseek.errors import BundleDamaged
from photoseek.system.atomic_write import MAX_TEXT_BYTES, MAX_TOKENIZER_BYTES, read_bounded

ROOT = Path(__file__).parents[1]
OURS = ("TextTower", "ImageTower", "TwoTower")


def calls(name: str) -> list[tuple[str, ast.Call]]:
    """Return each call of a function or method with its location."""
    files = [file for root in ("runtime", "train", "export") for file in sorted((ROOT / root).rglob("*.py"))]
    nodes = [(file, node) for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    return [
        (f"{file.name}:{node.lineno}", node)
        for file, node in nodes
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name
    ]


def has_keyword(node: ast.Call, keyword: str, value: object) -> bool:
    return any(
        each.arg == keyword and isinstance(each.value, ast.Constant) and each.value.value is value
        for each in node.keywords
    )


def test_transformers_loads_no_remote_code() -> None:
    loads = [
        (place, node)
        for place, node in (*calls("from_pretrained"), *calls("from_config"))
        if ast.unparse(node.func).split(".")[0] not in OURS
    ]
    assert loads
    assert [place for place, node in loads if not has_keyword(node, "trust_remote_code", False)] == []


def test_no_pickle_is_read() -> None:
    loads = [(place, node) for place, node in calls("load") if ast.unparse(node.func) == "torch.load"]
    assert loads
    assert [place for place, node in loads if not has_keyword(node, "weights_only", True)] == []
    arrays = [node for _, node in calls("load") if ast.unparse(node.func) == "np.load"]
    assert not any(has_keyword(node, "allow_pickle", True) for node in arrays)


def test_a_gzip_bomb_is_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "bomb.gz", "wb") as file:
        for _ in range(20):
            file.write(b"a b\n" * 250_000)
    assert (tmp_path / "bomb.gz").stat().st_size < MAX_TEXT_BYTES / 500
    with pytest.raises(BundleDamaged, match=r"bomb\.gz: .* expected at most 16,000,000 bytes, found more"):
        build_openai_clip(tmp_path, ("bomb.gz",))


@pytest.mark.parametrize(
    ("read", "name", "most"),
    [
        (lambda folder: build_from_json(folder, ("file",)), "file", MAX_TOKENIZER_BYTES),
        (lambda folder: build_clip(folder, ("file", "other")), "file", MAX_TEXT_BYTES),
        (lambda folder: build_bert(folder, ("file",)), "file", MAX_TEXT_BYTES),
        (lambda folder: json_object(folder / "file"), "file", MAX_TEXT_BYTES),
        (Manifest.read, "photoseek.json", MAX_TEXT_BYTES),
    ],
)
def test_a_file_above_its_limit_is_refused(
    tmp_path: Path, read: Callable[[Path], object], name: str, most: int
) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(most + 1)  # sparse
    with pytest.raises(BundleDamaged, match=f"expected at most {most:,} bytes, found more"):
        read(tmp_path)


def test_a_file_at_its_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_bounded(tmp_path / "file", 5) == b"12345"
