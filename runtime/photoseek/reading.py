"""The bytes of a photo, and the facts that belong to them, while other programs write."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from photoseek.errors import PhotoError
from photoseek.scanning import FoundPhoto

_TRIES = 3
_TICK_S = 0.02  # two changes within one tick of the system's clock may bear the same time: Linux ticks every 1 to 10 ms
_COARSE_TICK_S = 2.0  # of file systems that keep whole seconds, or pairs of them (FAT)


def read_still(photo: FoundPhoto, root: Path, read: Callable[[Path], bytes]) -> tuple[FoundPhoto, bytes] | None:
    """The bytes of a photo that did not change while they were read, and the photo as it was then.

    A change after this always shows in the facts: what was written within the last tick of the clock is read only
    when the tick is over.

    Args:
        photo: As a scan found it.
        root: The folder that was scanned.
        read: Such as :func:`photoseek.photos.decode.read_photo`.

    Returns:
        None where the photo is not there any more.

    Raises:
        PhotoError: It cannot be read, or keeps changing.
    """
    file = photo.under(root)
    try:
        for _ in range(_TRIES):
            before = _look(photo, file)
            _let_tick_pass(before.mtime_ns)
            _let_tick_pass(before.ctime_ns)
            data = read(file)
            if _look(photo, file) == before and len(data) == before.bytes:
                return before, data
    except PhotoError as error:
        if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            return None
        raise
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise PhotoError(error.strerror or str(error)) from error
    raise PhotoError("changes while it is read; it is tried again by the next indexing")


def _look(photo: FoundPhoto, file: Path) -> FoundPhoto:
    return FoundPhoto.of(photo.path, file.stat(), inodes=photo.inode != 0)


def _let_tick_pass(changed_ns: int) -> None:
    tick = _TICK_S if changed_ns % 1_000_000_000 else _COARSE_TICK_S
    age = time.time() - changed_ns / 1e9
    if 0 <= age < tick:  # a time to come is of another clock, for which nothing can be waited
        time.sleep(tick - age)
