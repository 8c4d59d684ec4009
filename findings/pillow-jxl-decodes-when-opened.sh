#!/usr/bin/env bash
# pillow-jxl-plugin 1.3.8: Image.open decodes the whole picture, before its size is known to the caller.
#
# Expected: as with Pillow's own plugins, Image.open reads the header, and load() decodes. A program checks the size
# between the two, as Pillow's Image.MAX_IMAGE_PIXELS does.
# Found: all pixels are in memory after Image.open. A limit of pixels, Pillow's included, is checked after decoding.
# Workaround: read the size from the header (ISO/IEC 18181-1, D.2) before the file is opened.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pillow==13.0.0 pillow-jxl-plugin==1.3.8
"$work/venv/bin/python" - <<'PY'
import io

import pillow_jxl  # noqa: F401 - registers the format
from PIL import Image
from pillow_jxl import JpegXLImagePlugin

calls = []
decoder = JpegXLImagePlugin.Decoder


class Counted:
    def __init__(self, **options: object) -> None:
        self._decoder = decoder(**options)

    def __call__(self, data: bytes) -> object:
        found = self._decoder(data)
        calls.append(len(found[2]))
        return found


JpegXLImagePlugin.Decoder = Counted
file = io.BytesIO()
Image.linear_gradient("L").resize((600, 400)).convert("RGB").save(file, "JXL")
image = Image.open(io.BytesIO(file.getvalue()))
print(f"after Image.open: {calls[0]:,} bytes of pixels for {image.size[0]} x {image.size[1]}")
assert calls == [600 * 400 * 3], calls

png = io.BytesIO()
Image.new("RGB", (600, 400)).save(png, "PNG")
assert Image.open(png)._im is None  # Pillow's own plugins have no pixels yet
PY
echo "holds: pillow-jxl-plugin 1.3.8 decodes a picture when it is opened"
