"""Short queries made from captions: their first or last words, and the photos that they are true of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photoseek.captions import Caption
from photoseek.languages import word_spans

LENGTHS = ((1, 2), (3, 4, 5), (6, 7, 8))
"""Words of a phrase, from short to long; a longer query is like a caption."""

_MOST = 2000  # phrases of one length
_SEED = 0
_EVERYWHERE = 0.5  # a word that more photos have is an article or the like, and tells nothing


@dataclass(frozen=True)
class Phrases:
    """Queries of about one length.

    Attributes:
        texts: The phrases, (p).
        shown: Whether a photo shows it, by phrase and photo, (p, n): its captions have all of its words.
    """

    texts: list[str]
    shown: npt.NDArray[np.bool_]


def extract_phrases(captions: Sequence[Caption], names: Sequence[str], lengths: Sequence[int]) -> Phrases:
    """What captions begin and end with, a sample of it, always the same.

    Args:
        captions: Of the photos.
        names: The photos; they give ``shown`` its order.
        lengths: Numbers of words.
    """
    photos_with = _photos_with(captions, names)
    telling = {word for word, photos in photos_with.items() if photos.mean() <= _EVERYWHERE}
    ends = [phrase for caption in captions for phrase in _trim(caption.text.lower(), lengths)]
    found = sorted(phrase for phrase in ends if telling.intersection(_words(phrase)))  # as often as people say it
    if len(found) > _MOST:
        chosen = np.random.default_rng(_SEED).choice(len(found), _MOST, replace=False)
        found = [found[place] for place in sorted(chosen.tolist())]
    shown = [np.all([photos_with[word] for word in telling.intersection(_words(text))], axis=0) for text in found]
    return Phrases(found, np.array(shown, dtype=bool).reshape(len(found), len(names)))


def _photos_with(captions: Sequence[Caption], names: Sequence[str]) -> dict[str, npt.NDArray[np.bool_]]:
    """Which photos have a word, or a Han character, in one of their captions, (n,)."""
    row_of = {name: row for row, name in enumerate(names)}
    found: dict[str, npt.NDArray[np.bool_]] = {}
    for caption in captions:
        for word in _words(caption.text.lower()):
            found.setdefault(word, np.zeros(len(names), dtype=bool))[row_of[caption.image]] = True
    return found


def _words(text: str) -> set[str]:
    return {text[start:end] for start, end, _ in word_spans(text)}


def _trim(text: str, lengths: Sequence[int]) -> set[str]:
    """The first and the last words of a text; of one word alone the last: the first is an article."""
    spans = word_spans(text)
    sizes = np.cumsum([0.0, *(size for _, _, size in spans)])
    phrases = set()
    for length in lengths:
        if sizes[-1] < length:
            continue
        first = int(np.searchsorted(sizes, length - 0.01))
        last = int(np.searchsorted(sizes, sizes[-1] - length + 0.01, side="right")) - 1
        phrases.add(text[spans[last][0] : spans[-1][1]])
        if length > 1:
            phrases.add(text[spans[0][0] : spans[first - 1][1]])
    return phrases
