"""The notebooks run from their first cell to their last on small data; they are committed without outputs."""

from __future__ import annotations

import os
import re
import sys
import zipfile
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from test_documentation import calls, parse

nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).parents[1]
NOTEBOOKS = {file.stem: nbformat.read(file, as_version=4) for file in sorted((ROOT / "notebooks").glob("*.ipynb"))}
STATUS = "\nassert _exit_code == 0, f'the command exited with {_exit_code}'"


def code(notebook: Any) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def cell(name: str, words: str) -> str:
    """Return the code cell with these words."""
    (found,) = [source for source in code(NOTEBOOKS[name]) if words in source]
    return found


def commands(source: str) -> list[str]:
    """Return the shell commands of a cell, with continued lines joined."""
    return [line[1:] for line in source.replace("\\\n", " ").splitlines() if line.startswith("!")]


def run(name: str, folder: Path) -> Any:
    """Run a notebook in a folder, with the packages of this process; a command that fails is an error."""
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.from_dict(NOTEBOOKS[name])
    for each in notebook.cells:
        if each.cell_type == "code" and commands(each.source):
            each.source += STATUS
    client = nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def outputs(notebook: Any, words: str) -> str:
    """Return what the cell with these words printed, without the sequences of a terminal."""
    (found,) = [each for each in notebook.cells if each.cell_type == "code" and words in each.source]
    text = "".join(output.text for output in found.outputs if output.output_type == "stream")
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def pictures(notebook: Any) -> int:
    shown = [output for each in notebook.cells for output in each.get("outputs", ())]
    return sum("image/png" in output.get("data", {}) for output in shown)


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in; the kernel finds the commands and the packages of this process, and settings of its own."""
    for name, value in {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "jupyter"),
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def set_variables(monkeypatch: pytest.MonkeyPatch, **values: object) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_outputs_are_cleared(name: str) -> None:
    notebook = NOTEBOOKS[name]
    nbformat.validate(notebook)
    for each in notebook.cells:
        assert not each.get("outputs")
        assert each.get("execution_count") is None
        assert not each.metadata
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_commands_are_those_of_the_command_line(name: str) -> None:
    settings: dict[str, Any] = {}
    exec("import os\nfrom pathlib import Path\n" + cell(name, "QUERY = ").replace("demo_photos(", "("), settings)
    settings["GALLERY"] = settings.get("GALLERY", "gallery")
    found = []
    for source in code(NOTEBOOKS[name]):
        lines = commands(source)
        assert len(lines) <= 1, "the exit code is that of the last command of a cell"
        found += [words for line in lines for words in calls(line.format(**settings))]
    for words in found:
        parse(words)
    assert {words[0] for words in found} >= {"photoseek"}


def test_both_notebooks_show_hits_like_the_documentation() -> None:
    document = (ROOT / "docs" / "embedding.md").read_text("utf-8")
    (sheet,) = re.findall(r"^def contact_sheet.*?(?=^```)", document, flags=re.M | re.S)
    for name in NOTEBOOKS:
        assert sheet.strip() in cell(name, "def contact_sheet")


def test_the_search_notebook_indexes_and_shows_pictures(kernel: Path) -> None:
    """The drawn pictures and the embedded bundle are its defaults."""
    done = run("search", kernel)
    assert "a red car" in cell("search", "QUERY = ")
    assert "300" in outputs(done, "!photoseek index")
    assert ".jpg" in outputs(done, "!photoseek search")
    assert re.match(r"1\. \S+\.jpg: score 0\.\d\d, confidence \d+%\n", outputs(done, "for hit in hits"))
    assert pictures(done) == 3


@pytest.fixture
def flickr30k(tmp_path: Path) -> Path:
    """Two-colored pictures in the layout of Kaggle's copy: photos in a folder beside ``results.csv``."""
    from toy_world import COLORS, draw

    folder = tmp_path / "kaggle" / "flickr30k_images"
    (folder / "flickr30k_images").mkdir(parents=True)
    rows = ["image_name| comment_number| comment"]
    for number, (_, left, right) in enumerate(product(range(4), COLORS, COLORS)):
        name = f"{1000092795 + number}.jpg"
        draw(folder / "flickr30k_images" / name, left, right, seed=number)
        rows += [f"{name}| 0| {left} beside {right} .", f"{name}| 1| A picture , first {left} , then {right} ."]
    rows[8] = rows[8].replace("| 1| ", "| 1   ")  # a row of the published file lacks its last bar
    (folder / "results.csv").write_text("\n".join(rows) + "\n")
    return folder.parent


@pytest.mark.slow
def test_the_training_notebook_goes_from_captions_to_a_search(
    kernel: Path, flickr30k: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch, torchvision = pytest.importorskip("torch"), pytest.importorskip("torchvision")
    pytest.importorskip("onnxscript")
    from photoseek_train.model.compact_bert import CompactBert, create_compact_bert

    create_compact_bert(["red green blue white picture"], tmp_path / "bert", CompactBert(1, 16, 2, 100, 64))
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / "resnet18.pth")
    set_variables(
        monkeypatch,
        KAGGLE=flickr30k,
        TEXT_MODEL=tmp_path / "bert",
        IMAGE_WEIGHTS=tmp_path / "resnet18.pth",
        IMAGE_SIZE=32,
        BATCH_SIZE=16,
        FROZEN_EPOCHS=2,
        EPOCHS=1,
        MAX_LOSS=100,
        QUERY="red beside blue",
    )
    files = sorted(flickr30k.rglob("*"))
    done = run("train_flickr30k", kernel)
    assert sorted(flickr30k.rglob("*")) == files  # Kaggle's inputs are read-only
    assert "flickr30k_images/flickr30k_images\n" in outputs(done, "rglob")
    assert "train: 61 photos and 122 captions; dev: 3 photos and 6 captions" in outputs(done, '/frozen" --resume')
    assert "epoch 1/1: loss" in outputs(done, "--tune both")
    assert "int8: differs from PyTorch" in outputs(done, "!photoseek-export")
    assert "no confidence" not in outputs(done, "!photoseek-export")
    assert ": OK" in outputs(done, "!photoseek verify")
    assert "of 3 images" in outputs(done, "!photoseek evaluate")
    assert pictures(done) == 1
    assert (kernel / "runs" / "bundle.zip").stat().st_size > 1_000_000


def test_the_training_notebook_reads_the_copy_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive of photos, and a table with all captions of a photo in one cell."""
    from photoseek.captions import read_caption_file

    def download(repo: str, repo_type: str, local_dir: str) -> str:
        asked.append((repo, repo_type))
        folder = Path(local_dir)
        folder.mkdir(exist_ok=True)
        with zipfile.ZipFile(folder / "flickr30k-images.zip", "w") as archive:
            archive.writestr("flickr30k-images/1000092795.jpg", b"")
        table = (
            'raw,sentids,split,filename,img_id\n"[""Two men."", ""Two, in a yard.""]","[0, 1]",val,1000092795.jpg,0\n'
        )
        (folder / "flickr_annotations_30k.csv").write_text(table)
        return local_dir

    asked: list[tuple[str, str]] = []
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    for _ in range(2):  # the second time, the archive is unpacked already
        settings = {"IMAGES": "", "CAPTIONS": "", "KAGGLE": str(tmp_path / "none"), "DATA": str(tmp_path / "data")}
        exec(cell("train_flickr30k", "rglob"), settings)
    assert asked == [("nlphuji/flickr30k", "dataset")] * 2
    assert settings["IMAGES"] == str(tmp_path / "data" / "flickr30k-images")
    file = read_caption_file(settings["CAPTIONS"])
    assert [caption.text for caption in file.captions] == ["Two men.", "Two, in a yard."]
    assert file.splits == {"val": ("1000092795.jpg",)}
