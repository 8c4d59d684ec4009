#!/usr/bin/env bash
# webdataset 1.0.2: photos whose names are equal up to the first dot become one sample, without a photo.
#
# Expected: beach.2019.jpg and beach.2020.jpg, each with a caption file, are two samples.
# Found: the key of a sample ends at the first dot of the file's name, not at the last one (source: tariterators.py,
# base_plus_ext). Both photos become one sample "beach" with the fields 2019.jpg, 2019.txt, 2020.jpg and 2020.txt. It has
# no field "jpg", so a loader that selects ("jpg", "txt") fails, or skips both photos with its usual error handler.
# Workaround: write shards whose names have no dot before the extension, as img2dataset does.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet webdataset==1.0.2 pillow==13.0.0
cd "$work"
venv/bin/python - <<'PY'
import io
import tarfile

import webdataset as wds
from PIL import Image

with tarfile.open("shard.tar", "w") as shard:
    for name, color in (("beach.2019", "red"), ("beach.2020", "blue"), ("dog", "green")):
        photo = io.BytesIO()
        Image.new("RGB", (8, 8), color).save(photo, "JPEG")
        for extension, data in (("jpg", photo.getvalue()), ("txt", color.encode())):
            member = tarfile.TarInfo(f"{name}.{extension}")
            member.size = len(data)
            shard.addfile(member, io.BytesIO(data))

samples = list(wds.WebDataset("shard.tar", shardshuffle=False))
found = {sample["__key__"]: sorted(name for name in sample if not name.startswith("__")) for sample in samples}
print(f"samples of three photos: {found}")
assert found == {"beach": ["2019.jpg", "2019.txt", "2020.jpg", "2020.txt"], "dog": ["jpg", "txt"]}, found

skipping = wds.WebDataset("shard.tar", shardshuffle=False).to_tuple("jpg", "txt", handler=wds.ignore_and_continue)
captions = [caption.decode() for _, caption in skipping]
print(f"captions of ('jpg', 'txt') with ignore_and_continue: {captions}")
assert captions == ["green"], captions
PY
echo "holds: webdataset 1.0.2 ends the key of a sample at the first dot of the file's name"
