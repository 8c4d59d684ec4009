"""The check of a gallery from its database to its last file, and the repair of what can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from photoseek.bundle.bundle import Bundle
from photoseek.errors import GalleryDamaged, GalleryError
from photoseek.gallery.database.bundles import GalleryBundle, list_bundles
from photoseek.gallery.database.database import Database
from photoseek.gallery.database.sentences import Sentences
from photoseek.gallery.indexing.index import encode_sentences
from photoseek.gallery.row_checks import delete_rows, find_bad_rows
from photoseek.gallery.snapshot.build import build_snapshot, check_matches_database, expected_state
from photoseek.gallery.snapshot.current import current_id
from photoseek.gallery.snapshot.snapshot import open_current
from photoseek.gallery.snapshot.stale import remove_stale_files


@dataclass(frozen=True)
class Repaired:
    """What a repair did.

    Attributes:
        dropped: Rows of the database that were not what they must be, in words; empty where none were.
        encoded: Captions that were encoded again.
        removed: Stale files and folders of interrupted runs.
        generation: What was made again from the database; None where that was whole.
        encoding_skipped: Why approximate search was tuned without typical texts, and captions were not encoded again.
    """

    dropped: str = ""
    encoded: int = 0
    removed: tuple[str, ...] = ()
    generation: str | None = None
    encoding_skipped: str | None = None

    def lines(self) -> list[str]:
        """Each thing that was done, in a sentence."""
        told = {
            f"dropped from the database: {self.dropped}; encoded again by: photoseek index PHOTOS": self.dropped,
            f"encoded {self.encoded:,} captions again": self.encoded,
            f"removed stale files of an interrupted run: {', '.join(self.removed)}": self.removed,
            f"made generation {self.generation} from the database": self.generation,
            f"went without the bundle: {self.encoding_skipped}": self.encoding_skipped,
        }
        return [line for line, done in told.items() if done]


def verify_gallery(gallery: Path, database: Database) -> None:
    """Look at every row and every file.

    Raises:
        GalleryDamaged: The first problem found, and how to repair it.
    """
    database.check()
    generations = []
    for held in list_bundles(database):
        if current_id(held.folder(gallery)) is not None:
            generations.append(open_current(held.folder(gallery)))
            check_matches_database(generations[-1], database)
            generations[-1].verify()
    if (wrong := find_bad_rows(database, generations)).is_fatal:
        raise GalleryDamaged(
            f"{database.path}: damaged: {wrong}; run `photoseek verify GALLERY --repair`, or restore a backup"
        )


def repair_gallery(gallery: Path, database: Database, bundles: Mapping[str, Bundle | str]) -> Repaired:
    """Drop rows that are wrong, remove what was left behind, and derive anew what is derived; no photo is encoded.

    The caller holds the gallery's lock.

    Args:
        gallery: Its folder.
        database: Its database.
        bundles: By fingerprint, what encodes its captions, and the texts that approximate search is tuned with; or why
            there is none.

    Raises:
        GalleryDamaged: The database itself cannot be read, and so not be repaired.
    """
    _rebuild_indexes(database)
    found = [expected_state(held.folder(gallery), database) for held in list_bundles(database)]
    wrong = find_bad_rows(database, [generation for generation in found if generation is not None])
    if wrong.is_fatal or wrong.orphans:
        delete_rows(database, wrong)
    helds = list_bundles(database)
    removed = tuple(path.relative_to(gallery).as_posix() for path in remove_stale_files(gallery, helds))
    encoded, made, without = 0, [], []
    for held in helds:
        bundle = bundles[held.fingerprint]
        texts = bundle if isinstance(bundle, Bundle) else None
        if wrong.sentences and texts is not None:
            encoded += _encode_sentences_again(Sentences(database), texts)
        derived = build_snapshot(gallery, database, held, texts)
        if derived:
            made.append(_label(held, current_id(held.folder(gallery)) or ""))
        if isinstance(bundle, str) and (derived or wrong.sentences):
            without.append(bundle)
    return Repaired(str(wrong), encoded, removed, ", ".join(made) or None, "; ".join(without) or None)


def _encode_sentences_again(sentences: Sentences, bundle: Bundle) -> int:
    """Encode the captions that have no vector; tells how many."""
    missing = len(sentences.without_vectors(bundle.fingerprint))
    encode_sentences(sentences, bundle, lambda _: None)
    return missing


def _label(held: GalleryBundle, generation: str) -> str:
    """A generation in words, with its bundle where that is not the gallery's own."""
    return generation if held.own else f"{generation} of bundle {held.name!r}"


def _rebuild_indexes(database: Database) -> None:
    """Have SQLite make its indexes anew, where those are all that is wrong."""
    try:
        database.check()
    except GalleryDamaged:
        with suppress(GalleryError), database.writing() as connection:
            connection.execute("REINDEX")
        database.check()
