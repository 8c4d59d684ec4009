#!/usr/bin/env bash
# rawpy 0.28.0 (LibRaw 0.22.2): prints about a file that ends early, and adds EXIF to a preview that has none.
#
# Expected: the problem of a file is an exception, and nothing is printed; extract_thumb() returns the bytes that are in
# the file, so that the caller has to turn the preview as raw.sizes.flip says.
# Found: "unknown file: Unexpected end of file" on standard error, whether or not an exception follows; LibRaw can be
# compiled or constructed without the message (LIBRAW_OPTIONS_NO_DATAERR_CALLBACK), which rawpy does not offer.
# The preview's JFIF header is replaced by an EXIF header with the orientation and date of the raw file: who turns the
# preview by raw.sizes.flip, and then by its EXIF, turns it twice.
# Workaround: none for the message; turn a JPEG preview by its EXIF only.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet rawpy==0.28.0 pillow==13.0.0
cat >"$work/check.py" <<'PY'
import io
import struct

import rawpy
from PIL import Image

file = io.BytesIO()
Image.new("RGB", (320, 240), (40, 200, 60)).save(file, "JPEG")
preview, mosaic = file.getvalue(), bytes(640 * 480 * 2)
assert b"Exif" not in preview


def directory(start, tags, data):
    """Return a directory of a TIFF with values of up to four bytes, and its strip."""
    head = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return struct.pack("<H", len(tags)) + head + bytes(4) + data


first = [(254, 4, 1, 1), (256, 4, 1, 320), (257, 4, 1, 240), (258, 3, 1, 8), (259, 3, 1, 7), (262, 3, 1, 6),
         (274, 3, 1, 6), (277, 3, 1, 3), (278, 4, 1, 240), (279, 4, 1, len(preview)), (50706, 1, 4, 0x0401)]
second = [(254, 4, 1, 0), (256, 4, 1, 640), (257, 4, 1, 480), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 32803),
          (277, 3, 1, 1), (278, 4, 1, 480), (279, 4, 1, len(mosaic)), (33421, 3, 2, 0x20002), (33422, 1, 4, 0x02010100)]
strip = 8 + 6 + 12 * (len(first) + 2)
inside = strip + len(preview)
first += [(273, 4, 1, strip), (330, 4, 1, inside)]
second += [(273, 4, 1, inside + 6 + 12 * (len(second) + 1))]
dng = b"II*\0" + struct.pack("<I", 8) + directory(8, first, preview) + directory(inside, second, mosaic)

with rawpy.imread(io.BytesIO(dng)) as raw:
    found, flip = raw.extract_thumb(), raw.sizes.flip
orientation = Image.open(io.BytesIO(found.data)).getexif().get(274)
print(f"flip {flip}; the extracted preview: {bytes(found.data[6:10])!r}, orientation {orientation}")
assert (flip, orientation, bytes(found.data[6:10])) == (6, 6, b"Exif")
try:
    with rawpy.imread(io.BytesIO(dng[:-100_000])) as raw:
        print("a file that ends early:", raw.postprocess(half_size=True).shape)
except rawpy.LibRawError as error:
    print("a file that ends early:", error)
PY
"$work/venv/bin/python" "$work/check.py" 2>"$work/stderr"
cat "$work/stderr"
grep -q "Unexpected end of file" "$work/stderr"
echo "holds: rawpy 0.28.0 prints about a file that ends early, and adds EXIF to a preview"
