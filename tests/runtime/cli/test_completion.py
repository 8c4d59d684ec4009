"""What a shell completes, asked as the shell asks."""

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


def completed(typed: str, **further: str) -> list[str]:
    """What bash is offered for the last word, which may be empty."""
    words = typed.split(" ")
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1), "_PHOTOSEEK_COMPLETE": "complete_bash"}
    return answer(**asked, **further).split()


def test_commands_and_options() -> None:
    assert completed("photoseek se") == ["search", "serve"]
    assert {"--engine", "--exact"} == set(completed("photoseek search --e"))


def test_values_of_engine_and_precision() -> None:
    assert completed("photoseek search red --engine ") == ["auto", *ENGINES]
    assert completed("photoseek bench --engine faiss-h") == ["faiss-hnsw"]
    assert completed("photoseek search --precision f") == ["fp32", "fp16"]


def test_galleries_and_the_folders_that_hold_one(gallery: Gallery, photos: Path) -> None:
    (photos.parent / "photographers").mkdir()
    for command in ("search", "bench", "app"):
        assert completed(f"photoseek {command} --gallery {photos.parent}/ph") == [str(photos)]
    assert completed("photoseek search --gallery ~/ph", HOME=str(photos.parent)) == ["~/photos"]
    assert completed(f"photoseek search --gallery {photos}/.p") == [str(gallery.path)]
    assert completed(f"photoseek search --gallery {photos}/") == []  # hidden, like all that begins with a dot


def test_where_there_is_no_gallery_the_shell_completes_folders(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert completed(f"photoseek search --gallery {tmp_path}/") == []
    assert completed("photoseek search --gallery /nowhere/") == []
    assert completed(f"photoseek search --image {tmp_path}/") == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_takes_the_script_and_completes_by_it(tmp_path: Path) -> None:
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


def test_the_options_that_install_it_are_there() -> None:
    told = answer("--help")
    assert "--install-completion" in told
    assert "--show-completion" in told
