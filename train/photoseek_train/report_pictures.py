"""Searches of a split as a report shows them: with words, file names and small pictures."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from photoseek.errors import PhotoError
from photoseek.photos import open_photo
from photoseek_train.dataset import CaptionedPhotos
from photoseek_train.retrievals import Answer, Retrievals, Search

SIDE = 192
"""The longer side of a thumbnail, in pixels: some 7 kB each."""

_QUALITY = 72


@dataclass(frozen=True)
class Picture:
    """A photo of the split; ``uri`` is None where it cannot be decoded any more."""

    name: str
    uri: str | None


@dataclass(frozen=True)
class Shown:
    """An answer with its photo or its words."""

    answer: Answer
    picture: Picture | None
    text: str


@dataclass(frozen=True)
class Card:
    """A search with its words and its photo, which for a caption is the one that it should have found."""

    search: Search
    text: str
    picture: Picture
    answers: tuple[Shown, ...]


@dataclass(frozen=True)
class Cards:
    """The searches of a report, by kind."""

    captions: tuple[Card, ...]
    photos: tuple[Card, ...]
    worst: tuple[Card, ...]
    confusions: tuple[Card, ...]


class Painter:
    """Makes cards of a split's searches; each photo is decoded once."""

    def __init__(self, data: CaptionedPhotos) -> None:
        self.data = data
        self._made: dict[int, Picture] = {}

    def cards(self, found: Retrievals) -> Cards:
        """All searches of a report."""
        return Cards(
            captions=self._by_caption(found.captions),
            photos=tuple(self._of_photo(search) for search in found.photos),
            worst=self._by_caption(found.worst),
            confusions=self._by_caption(found.confusions),
        )

    def _by_caption(self, searches: Sequence[Search]) -> tuple[Card, ...]:
        return tuple(self._of_caption(search) for search in searches)

    def _of_caption(self, search: Search) -> Card:
        caption = self.data.captions[search.row]
        own = self._picture(int(self.data.image_of_text[search.row]))
        answers = [Shown(answer, self._picture(answer.row), "") for answer in search.answers]
        return Card(search, caption.text, own, tuple(answers))

    def _of_photo(self, search: Search) -> Card:
        answers = [Shown(answer, None, self.data.captions[answer.row].text) for answer in search.answers]
        return Card(search, "", self._picture(search.row), tuple(answers))

    def _picture(self, row: int) -> Picture:
        if row not in self._made:
            name = self.data.names[row]
            try:
                self._made[row] = Picture(name, thumbnail_uri(open_photo(self.data.folder / name)))
            except PhotoError:  # a report is no reason to fail
                self._made[row] = Picture(name, None)
        return self._made[row]


def thumbnail_uri(photo: Image.Image) -> str:
    """A photo as a small JPEG that a page can hold within itself."""
    small = photo.convert("RGB")
    small.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    target = io.BytesIO()
    small.save(target, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + b64encode(target.getvalue()).decode("ascii")
