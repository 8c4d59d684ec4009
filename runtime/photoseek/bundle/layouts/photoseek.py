"""The layout of bundles that photoseek-export writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from photoseek.bundle.manifest import Layout, Reading, hint_of
from photoseek.bundle.tokenization import MAX_TOKENS, Side, Tokenization, for_queries
from photoseek.errors import BundleDamaged
from photoseek.system.atomic_write import MAX_TOKENIZER_BYTES, read_bounded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from photoseek.bundle.bundle import Bundle


def load_tokenization(bundle: Bundle, language: str | None) -> Tokenization:
    """That of a bundle of our own.

    Raises:
        BundleDamaged: A tokenizer file is not what it should be.
    """
    reading = Reading() if language else bundle.manifest.reading
    tokenizer = _load_tokenizer(bundle, language, reading.length or MAX_TOKENS)
    side: Side = "left" if reading.side == "left" else "right"
    return Tokenization(tokenizer, _pad_id(bundle, language, tokenizer), reading.length, reading.masked, side)


def _load_tokenizer(bundle: Bundle, language: str | None, most: int) -> Tokenizer:
    from tokenizers import Tokenizer

    path = bundle.verified(Layout.tokenizer(language))
    try:
        tokenizer = Tokenizer.from_buffer(read_bounded(path, MAX_TOKENIZER_BYTES))
    except Exception as error:  # tokenizers raises bare Exception
        raise BundleDamaged(f"{path}: not a tokenizer: {error}{hint_of(path)}; export the bundle anew") from error
    config = bundle.read_json(Layout.tokenizer_config(language))
    return for_queries(tokenizer, min(_max_tokens(config), most))


def _max_tokens(config: dict[str, Any]) -> int:
    limit = config.get("model_max_length", config.get("max_length"))
    return int(min(limit, MAX_TOKENS)) if isinstance(limit, int | float) and limit > 0 else MAX_TOKENS


def _pad_id(bundle: Bundle, language: str | None, tokenizer: Tokenizer) -> int:
    name = Layout.tokenizer_config(language)
    pad = bundle.read_json(name).get("pad_token", "[PAD]")
    token = pad.get("content") if isinstance(pad, dict) else pad
    if not isinstance(token, str):
        raise BundleDamaged(f"{bundle.path / name}: expected pad_token as a text, found {pad!r:.80}")
    return tokenizer.token_to_id(token) or 0
