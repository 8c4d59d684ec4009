"""What the last indexing left out, which a gallery keeps."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import NamedTuple

from photoseek.gallery.database.database import Database
from photoseek.sources.left_out import LeftOut, UnreadKind

_KEY = "left_out"


class LeftOutFiles(NamedTuple):
    """Folders and photos that were left out, by reason, and files of kinds that are not read, by kind."""

    left_out: list[LeftOut]
    unread: list[UnreadKind]


def left_out_files(database: Database) -> LeftOutFiles:
    """Return what the last indexing left out; nothing if it was done by an older version."""
    left_out, unread = json.loads(database.meta().get(_KEY, "[[], []]"))
    return LeftOutFiles([LeftOut(*each) for each in left_out], [UnreadKind(*each) for each in unread])


def record_left_out_files(database: Database, found: LeftOutFiles) -> None:
    """Record what an indexing left out."""
    if found != left_out_files(database):
        database.set_meta(**{_KEY: json.dumps([[astuple(each) for each in part] for part in found])})
