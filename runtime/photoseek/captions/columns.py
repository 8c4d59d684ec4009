"""The columns of tables, and the keys of JSON records, that contain images, captions and splits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

IMAGES = (
    "image", "image_name", "image_file", "image_filename", "image_path", "file_name", "filename", "filepath",
    "file_path", "file", "path", "img", "photo", "image/key", "image_id",
)  # fmt: skip
"""Names of columns with images, in order of precedence."""

CAPTIONS = (
    "caption", "captions", "comment", "comments", "raw", "sentence", "sentences", "description", "text", "title",
)  # fmt: skip
"""Names of columns with captions, in order of precedence."""

SPLIT = "split"
"""Name of the column with the split of a row."""


@dataclass(frozen=True)
class CaptionColumns:
    """Names of columns, or of keys of JSON records, other than the usual ones.

    Attributes:
        image_column: Column with the name of the image. None: the first of ``IMAGES`` that exists.
        caption_column: Column with the caption. None: the first of ``CAPTIONS`` that exists.
    """

    image_column: str | None = field(
        default=None, metadata={"help": "Column of a table, or key of a JSON record, with the name of the photo."}
    )
    caption_column: str | None = field(default=None, metadata={"help": "The same for the caption."})

    def find(self, names: Iterable[str]) -> tuple[str, str] | None:
        """Return the names of the columns with images and captions, or None if one of them does not exist."""
        names = list(names)
        image = _first(names, IMAGES if self.image_column is None else (self.image_column,))
        caption = self.find_caption(names)
        return None if image is None or caption is None or image == caption else (image, caption)

    def find_caption(self, names: Iterable[str]) -> str | None:
        """Return the name of the column with captions, or None if there is none."""
        return _first(names, CAPTIONS if self.caption_column is None else (self.caption_column,))


REMEDY = "name them with: photoseek captions convert FILE captions.token --image-column COLUMN --caption-column COLUMN"
"""What to do about a file without columns of the usual names."""


def _first(names: Iterable[str], wanted: tuple[str, ...]) -> str | None:
    by_key = {name.strip().lower().replace(" ", "_"): name for name in reversed(list(names))}
    keys = (name.strip().lower().replace(" ", "_") for name in wanted)
    return next((by_key[key] for key in keys if key in by_key), None)
