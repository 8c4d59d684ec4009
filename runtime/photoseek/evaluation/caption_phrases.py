"""Short queries for calibration: the first or last words of captions, and the photos that they describe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from photoseek.captions import Caption
from photoseek.languages import word_spans
from photoseek.vectors import Rows

LENGTHS = ((1,), (2,), (3, 4, 5), (6, 7, 8))
"""Numbers of words in phrases, from short to long; longer queries are treated as captions."""

_MAX_PHRASES = 2000  # of each length
_SEED = 0
_MAX_SHARE = 0.5  # words in more photos than this, such as articles, are not informative


@dataclass(frozen=True)
class Phrases:
    """Queries of similar length.

    Attributes:
        texts: The phrases, p of them.
        counts: How often captions begin or end with each phrase, (p,).
        image_rows: The row of the photo whose caption has the phrase, (p,); of several photos, the first.
        relevant: Whether each photo matches each phrase, (p, n): its captions contain all informative words.
    """

    texts: list[str]
    counts: Rows
    image_rows: Rows
    relevant: npt.NDArray[np.bool_]


def extract_phrases(captions: Sequence[Caption], names: Sequence[str], lengths: Sequence[int]) -> Phrases:
    """Return a deterministic sample of the distinct first and last words of captions.

    Args:
        captions: Captions of the photos.
        names: Names of the photos, in the order of ``Phrases.relevant``.
        lengths: Numbers of words in a phrase.
    """
    row_of = {name: row for row, name in enumerate(names)}
    photos_with = _photos_with(captions, row_of)
    informative = {word for word, photos in photos_with.items() if photos.mean() <= _MAX_SHARE}
    rows: dict[str, list[int]] = {}
    for caption in captions:
        for phrase in _trim(caption.text.lower(), lengths):
            if informative.intersection(_words(phrase)):
                rows.setdefault(phrase, []).append(row_of[caption.image])
    found = sorted(rows)
    if len(found) > _MAX_PHRASES:
        chosen = np.random.default_rng(_SEED).choice(len(found), _MAX_PHRASES, replace=False)
        found = [found[place] for place in sorted(chosen.tolist())]
    relevant = [
        np.all([photos_with[word] for word in informative.intersection(_words(text))], axis=0) for text in found
    ]
    return Phrases(
        found,
        np.array([len(rows[text]) for text in found], dtype=np.int64),
        np.array([rows[text][0] for text in found], dtype=np.int64),
        np.array(relevant, dtype=bool).reshape(len(found), len(names)),
    )


def _photos_with(captions: Sequence[Caption], row_of: Mapping[str, int]) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which photos have each word, or Han character, in one of their captions, (n,)."""
    found: dict[str, npt.NDArray[np.bool_]] = {}
    for caption in captions:
        for word in _words(caption.text.lower()):
            found.setdefault(word, np.zeros(len(row_of), dtype=bool))[row_of[caption.image]] = True
    return found


def _words(text: str) -> set[str]:
    return {text[start:end] for start, end, _ in word_spans(text)}


def _trim(text: str, lengths: Sequence[int]) -> set[str]:
    """Return the first and the last words of a text; of single words only the last, as the first is an article."""
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
