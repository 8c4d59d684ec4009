"""The check of a gallery from its database to its last file, and the repair of what can be made again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from photoseek.bundle import Bundle
from photoseek.database import Database
from photoseek.deriving import check_origin, derive, made_from
from photoseek.errors import GalleryDamaged, GalleryError
from photoseek.generations import current_name, open_current, sweep
from photoseek.indexing import encode_sentences
from photoseek.integrity import WrongRows, drop_rows, wrong_rows
from photoseek.sentences import Sentences


@dataclass(frozen=True)
class Repaired:
    """What a repair did.

    Attributes:
        dropped: Rows of the database that were not what they must be, in words; empty where none were.
        encoded: Captions that were encoded again.
        removed: Files and folders that a killed process had left behind.
        generation: What was made again from the database; None where that was whole.
        without_texts: Why approximate search was tuned without typical texts, and captions were not encoded again.
    """

    dropped: str = ""
    encoded: int = 0
    removed: tuple[str, ...] = ()
    generation: str | None = None
    without_texts: str | None = None

    def lines(self) -> list[str]:
        """Each thing that was done, in a sentence."""
        told = {
            f"dropped from the database: {self.dropped}; encoded again by: photoseek index PHOTOS": self.dropped,
            f"encoded {self.encoded:,} captions again": self.encoded,
            f"removed what a killed process had left: {', '.join(self.removed)}": self.removed,
            f"made generation {self.generation} from the database": self.generation,
            f"went without the bundle: {self.without_texts}": self.without_texts,
        }
        return [line for line, done in told.items() if done]


def check_gallery(gallery: Path, database: Database) -> None:
    """Look at every row and every file.

    Raises:
        GalleryDamaged: The first thing that is wrong, and its cure.
    """
    database.check()
    _expect_right(database, wrong_rows(database))
    if current_name(gallery) is not None:
        generation = open_current(gallery)
        check_origin(generation, database)
        generation.verify()
        _expect_right(database, wrong_rows(database, generation))


def _expect_right(database: Database, wrong: WrongRows) -> None:
    if wrong.harmful:
        raise GalleryDamaged(
            f"{database.path}: {wrong} are not what they must be; have it repaired: photoseek verify GALLERY --repair"
        )


def repair_gallery(gallery: Path, database: Database, bundle: Bundle | str) -> Repaired:
    """Drop rows that are wrong, remove what was left behind, and derive anew what is derived; no photo is encoded.

    The caller holds the gallery's lock.

    Args:
        gallery: Its folder.
        database: Its database.
        bundle: What encodes its captions, and the texts that approximate search is tuned with; or why there is none.

    Raises:
        GalleryDamaged: The database itself cannot be read, and so not be repaired.
    """
    _mend_indexes(database)
    wrong = wrong_rows(database, made_from(gallery, database))
    if wrong.harmful or wrong.orphans:
        drop_rows(database, wrong)
    texts, encoded = bundle if isinstance(bundle, Bundle) else None, 0
    if wrong.sentences and texts is not None:
        sentences = Sentences(database)
        encoded = len(sentences.unencoded(texts.fingerprint))
        encode_sentences(sentences, texts, lambda _: None)
    removed = tuple(path.relative_to(gallery).as_posix() for path in sweep(gallery))
    made = derive(gallery, database, texts, database.meta().get("precision"))
    needed = isinstance(bundle, str) and (made or bool(wrong.sentences))
    return Repaired(
        str(wrong), encoded, removed, current_name(gallery) if made else None, str(bundle) if needed else None
    )


def _mend_indexes(database: Database) -> None:
    """Have SQLite make its indexes anew, where those are all that is wrong."""
    try:
        database.check()
    except GalleryDamaged:
        with suppress(GalleryError), database.writing() as connection:
            connection.execute("REINDEX")
        database.check()
