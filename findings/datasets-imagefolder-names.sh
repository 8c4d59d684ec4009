#!/usr/bin/env bash
# datasets 5.2.0: a photo with "train" or "test" in its name makes an image folder lose other photos and all captions.
#
# Expected: load_dataset("imagefolder", data_dir=...) of photos and a metadata.csv with file_name and text returns every
# photo with its caption.
# Found: file names, too, are searched for the names of splits (source: data_files.py, KEYWORDS_IN_FILENAME_BASE_PATTERNS).
# One photo called "a train.jpg" becomes the split "train"; the other photos are in no split, and metadata.csv, whose name
# has no such word, belongs to no split either, so that there are no captions. Nothing is reported.
# Workaround: put the photos into a folder "train" with its metadata.csv, or pass data_files.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet datasets==5.2.0 pillow==13.0.0
cd "$work"
export HF_HOME="$work/cache" HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1
venv/bin/python - <<'PY'
from pathlib import Path

from datasets import load_dataset
from PIL import Image


def load(name: str, photos: list[str]) -> dict[str, tuple[int, list[str]]]:
    folder = Path(name)
    folder.mkdir()
    for photo in photos:
        Image.new("RGB", (8, 8)).save(folder / photo)
    (folder / "metadata.csv").write_text("file_name,text\n" + "".join(f"{photo},a photo\n" for photo in photos))
    return {split: (len(rows), rows.column_names) for split, rows in load_dataset("imagefolder", data_dir=name).items()}


plain = load("plain", ["a dog.jpg", "a bus.jpg", "a cat.jpg"])
train = load("vehicles", ["a dog.jpg", "a train.jpg", "a cat.jpg"])
print(f"dog, bus, cat: {plain}\ndog, train, cat: {train}")
assert plain == {"train": (3, ["image", "text"])}, plain
assert train == {"train": (1, ["image"])}, train
PY
echo "holds: datasets 5.2.0 drops captions and photos of an image folder if one file name contains the name of a split"
