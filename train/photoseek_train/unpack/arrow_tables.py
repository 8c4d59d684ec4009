"""Tables with photos in a column: the Arrow and Parquet files of Hugging Face's ``datasets``."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from photoseek.captions import IMAGES, caption_texts
from photoseek.captions.image_names import EXTENSIONS
from photoseek_train.errors import DataError, describe_error
from photoseek_train.unpack.parts import Example, Part

_ROWS = 64  # in memory at a time


class ArrowTable(Part):
    """An Arrow or Parquet file; its progress is in rows."""

    task = "rows"

    def size(self) -> int:
        """Return its number of rows."""
        try:
            if self.path.suffix == ".parquet":
                return int(pq.ParquetFile(self.path).metadata.num_rows)
            return sum(batch.num_rows for batch in self._batches())
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from error

    def examples(self, progress: Callable[[int], None]) -> Iterator[Example]:
        """Yield the examples in their order."""
        row = 0
        try:
            for batch in self._batches():
                photo, caption = self._columns(batch.schema)
                for start in range(0, batch.num_rows, _ROWS):
                    rows = batch.slice(start, _ROWS).select([photo, caption]).to_pylist()
                    for each in rows:
                        yield self._example(row, each[photo], each[caption])
                        row += 1
                    progress(row)
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from error

    def _batches(self) -> Iterator[pa.RecordBatch]:
        if self.path.suffix == ".parquet":
            yield from pq.ParquetFile(self.path).iter_batches(batch_size=_ROWS)
        else:
            with pa.memory_map(str(self.path)) as file:
                yield from pa.ipc.open_stream(file)

    def _columns(self, schema: pa.Schema) -> tuple[str, str]:
        """Return the names of the columns with photos and with captions."""
        wanted = self.columns.image_column
        photos = [field.name for field in schema if _has_photos(field) and wanted in (None, field.name)]
        caption = self.columns.find_caption(schema.names)
        if not photos or caption is None or caption == photos[0]:
            raise DataError(
                f"{self.path}: expected a column with the bytes of photos and one with captions, found "
                f"{', '.join(f'{field.name} ({field.type})' for field in schema)[:300]}; name them with --image-column "
                "and --caption-column"
            )
        return photos[0], caption

    def _example(self, row: int, photo: Any, caption: Any) -> Example:
        data, path = (photo.get("bytes"), photo.get("path")) if isinstance(photo, dict) else (photo, None)
        if data is None and path:
            raise DataError(
                f"{self.path}: row {row}: expected the bytes of a photo, found only the path {path!r}; pass the folder "
                "of the photos as --images, and the captions as a file"
            )
        name = Path(path).name if isinstance(path, str) else ""
        if data and not name.lower().endswith(EXTENSIONS):
            name = f"{hashlib.sha256(data).hexdigest()[:16]}{_suffix(data)}"  # rows with the same photo share it
        return Example(name, data or b"", tuple(caption_texts(caption)))

    def _damaged(self, error: Exception) -> DataError:
        return DataError(
            f"{self.path}: expected an Arrow or Parquet file of a data set, found one that cannot be read: "
            f"{describe_error(error)}; download it again"
        )


def _has_photos(field: pa.Field) -> bool:
    """Return whether a column has photos: ``{bytes, path}``, as in Hugging Face's, or bytes under a usual name."""
    kind = field.type
    if pa.types.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind)) and field.name.lower() in IMAGES


def _suffix(data: bytes) -> str:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return ".jpg" if image.format == "JPEG" else f".{(image.format or 'jpg').lower()}"
    except (OSError, ValueError):
        return ".jpg"  # inspect reports that it is unreadable
