"""Statistics of captions before training."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

from photoseek.captions import Caption
from photoseek.languages import detect_language
from photoseek_train.inspect.photo_stats import summarize


def token_stats(text_model: str, texts: Sequence[str], max_tokens: int) -> dict[str, Any]:
    """Return the lengths of captions in tokens, including ``[CLS]`` and ``[SEP]``, and how many exceed ``max_tokens``.

    Raises:
        TowerError: The tokenizer of the model cannot be loaded.
    """
    from photoseek_train.data.tokens import untruncated_tokenizer
    from photoseek_train.model.pretrained import load_tokenizer

    encodings = untruncated_tokenizer(load_tokenizer(text_model)).encode_batch_fast(list(texts))
    lengths = [len(one.ids) for one in encodings]
    return {**summarize(lengths), "max_tokens": max_tokens, "cut_off": sum(length > max_tokens for length in lengths)}


def captions_json(captions: Sequence[Caption]) -> dict[str, Any]:
    """Return counts of captions, their languages and lengths, and probable mistakes."""
    per_photo = Counter(Counter(caption.image for caption in captions).values())
    return {
        "total": len(captions),
        "with_keywords": sum(bool(caption.keywords) for caption in captions),
        "per_photo": {str(count): photos for count, photos in sorted(per_photo.items())},
        "languages": {language: _lengths(texts) for language, texts in _by_language(captions).items()},
        "duplicates": len(duplicates(captions)),
        "duplicates_of_one_photo": len(duplicates(captions, of_one_photo=True)),
    }


def duplicates(captions: Sequence[Caption], *, of_one_photo: bool = False) -> list[Caption]:
    """Return captions that repeat an earlier one, ignoring case and whitespace; of any photo, or of the same photo."""
    seen: set[tuple[str, str]] = set()
    found = []
    for caption in captions:
        key = (caption.image if of_one_photo else "", " ".join(caption.text.lower().split()))
        if key in seen:
            found.append(caption)
        seen.add(key)
    return found


def caption_id(caption: Caption) -> str:
    """Return ``NAME#I``."""
    return f"{caption.image}#{caption.index}"


def has_control_characters(text: str) -> bool:
    """Return whether a text contains control, private-use or unassigned characters, or U+FFFD."""
    return any(unicodedata.category(char) in ("Cc", "Co", "Cn") or char == "\ufffd" for char in text)


def _by_language(captions: Sequence[Caption]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for caption in captions:
        found.setdefault(detect_language(caption.text), []).append(caption.text)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def _lengths(texts: Sequence[str]) -> dict[str, Any]:
    """Return lengths in words (Chinese has no spaces between words) and in characters."""
    return {
        "captions": len(texts),
        "words": summarize(len(text.split()) for text in texts),
        "characters": summarize(map(len, texts)),
    }
