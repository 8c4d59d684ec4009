"""What other programs do to a text before they tokenize it."""

from __future__ import annotations

import html
import string

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CURLED = {"'": "\u2018\u2019\u201a\u201b", '"': "\u201c\u201d\u201e\u201f"}
_STRAIGHT = str.maketrans({curled: straight for straight, all_of_it in _CURLED.items() for curled in all_of_it})


def as_typed(text: str) -> str:
    """Nothing: the tokenizer does it all."""
    return text


def one_space(text: str) -> str:
    """Each run of white space is one space; immich's ``clean_text``."""
    return " ".join(text.split())


def canonical(text: str) -> str:
    """The same without ASCII punctuation, in lower case: what SigLIP's texts were, as immich makes it."""
    return one_space(text).translate(_NO_PUNCTUATION).lower()


def clip(text: str) -> str:
    """HTML entities resolved twice, as in OpenAI's CLIP, and quotation marks made straight, as ftfy does before it.

    What else ftfy repairs, text that was decoded wrongly, is left as it is.
    """
    return one_space(html.unescape(html.unescape(text.translate(_STRAIGHT))))


CLEANING = {each.__name__: each for each in (as_typed, one_space, canonical, clip)}
"""By name."""
