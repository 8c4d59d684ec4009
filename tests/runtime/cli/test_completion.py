"""Shell completion, requested as a shell does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from photoseek import Gallery
from photoseek.vector_index.registry import ENGINES
from typed_commands import answer, environment


def completed(typed: str, **more: str) -> list[str]:
    """Return the completions of the last word in bash; the word may be empty."""
    words = typed.split(" ")
    variables = {"COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1), "_PHOTOSEEK_COMPLETE": "complete_bash"}
    return answer(**variables, **more).split()


def test_commands_and_options() -> None:
    assert completed("photoseek se") == ["search", "serve"]
    assert {"--engine", "--exact"} == set(completed("photoseek search --e"))


def test_values_of_engine_and_precision() -> None:
    assert completed("photoseek search red --engine ") == ["auto", *ENGINES]
    assert completed("photoseek bench --engine faiss-h") == ["faiss-hnsw"]
    assert completed("photoseek search --precision f") == ["fp32", "fp16"]


def test_galleries_and_their_photo_folders(gallery: Gallery, photos: Path) -> None:
    (photos.parent / "photographers").mkdir()
    for command in ("search", "bench", "app"):
        assert completed(f"photoseek {command} --gallery {photos.parent}/ph") == [str(photos)]
    assert completed("photoseek search --gallery ~/ph", HOME=str(photos.parent)) == ["~/photos"]
    assert completed(f"photoseek search --gallery {photos}/.p") == [str(gallery.path)]
    assert completed(f"photoseek search --gallery {photos}/") == []  # hidden, like all names that start with a dot


def test_without_a_gallery_the_shell_completes_folders(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert completed(f"photoseek search --gallery {tmp_path}/") == []
    assert completed("photoseek search --gallery /nowhere/") == []
    assert completed(f"photoseek search --image {tmp_path}/") == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_with_the_script(tmp_path: Path) -> None:
    command = tmp_path / "photoseek"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m photoseek "$@"\n')
    command.chmod(0o755)
    script = answer(_PHOTOSEEK_COMPLETE="source_bash")
    typed = "COMP_WORDS=(photoseek search --engine ex); COMP_CWORD=3; _photoseek_completion photoseek"
    done = subprocess.run(
        ["bash", "--norc", "-c", f'{script}\n{typed}\necho "${{COMPREPLY[@]}}"; complete -p photoseek'],
        env=environment(PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["exact", "complete -o default -F _photoseek_completion photoseek"]


def test_the_options_that_install_completion_exist() -> None:
    text = answer("--help")
    assert "--install-completion" in text
    assert "--show-completion" in text
