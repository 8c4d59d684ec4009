#!/usr/bin/env bash
# Pillow 13.0.0: the XMP of a PNG is missing until its pixels are decoded, if it follows them.
#
# Expected: `Image.open(file).info["xmp"]`, as for JPEG, TIFF and WebP.
# Found: a PNG may have its text chunks after the pixels, where ExifTool writes XMP unless PNGEarlyXMP is set. `Image.open`
# reads the chunks up to the pixels, so that `info` has no "xmp". It appears after `load()`. There is no warning.
# Workaround: decode the picture first, or read the chunks of the file, as photoseek does.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pillow==13.0.0
cd "$work"
venv/bin/python - <<'PY'
import io

import PIL
from PIL import Image
from PIL.PngImagePlugin import PngInfo

info, file = PngInfo(), io.BytesIO()
info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>")
Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=info)
data = file.getvalue()
start = data.index(b"iTXt") - 4
end = start + 12 + int.from_bytes(data[start : start + 4], "big")
last = data.index(b"IEND") - 4
moved = data[:start] + data[end:last] + data[start:end] + data[last:]  # as ExifTool writes it

found = {}
for name, content in (("before the pixels", data), ("after the pixels", moved)):
    image = Image.open(io.BytesIO(content))
    opened = "xmp" in image.info
    image.load()
    found[name] = (opened, "xmp" in image.info)
    print(f"Pillow {PIL.__version__}, XMP {name}: opened {found[name][0]}, loaded {found[name][1]}")
assert found == {"before the pixels": (True, True), "after the pixels": (False, True)}
PY
echo "holds: Pillow 13.0.0 finds no XMP after the pixels of a PNG that it has opened"
