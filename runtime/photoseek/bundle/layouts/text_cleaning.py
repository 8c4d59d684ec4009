"""What other programs do to a text before they tokenize it."""

from __future__ import annotations

import html
import string

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CURLED = {"'": "\u2018\u2019\u201a\u201b", '"': "\u201c\u201d\u201e\u201f"}
_STRAIGHT = str.maketrans({curled: straight for straight, all_of_it in _CURLED.items() for curled in all_of_it})


def no_cleaning(text: str) -> str:
    """Nothing: the tokenizer does it all."""
    return text


def collapse_whitespace(text: str) -> str:
    """Each run of white space is one space; immich's ``clean_text``."""
    return " ".join(text.split())


def siglip_canonicalize(text: str) -> str:
    """The same without ASCII punctuation, in lower case: what SigLIP's texts were, as immich makes it."""
    return collapse_whitespace(text).translate(_NO_PUNCTUATION).lower()


def clip_clean(text: str) -> str:
    """HTML entities resolved twice, as in OpenAI's CLIP, and quotation marks made straight, as ftfy does before it.

    What else ftfy repairs, text that was decoded wrongly, is left as it is.
    """
    return collapse_whitespace(html.unescape(html.unescape(text.translate(_STRAIGHT))))


CLEANING = {each.__name__: each for each in (no_cleaning, collapse_whitespace, siglip_canonicalize, clip_clean)}
"""By name."""
