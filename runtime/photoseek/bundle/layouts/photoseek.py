"""The layout of bundles that photoseek-export writes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photoseek.bundle.description import BundleDescription, GraphSpec, json_object
from photoseek.bundle.files import ChecksummedFiles
from photoseek.bundle.manifest import Layout, Manifest, Reading, upgrade_hint
from photoseek.bundle.tokenization import MAX_TOKENS, PaddingSide, Tokenization, without_limits
from photoseek.errors import BundleDamaged, BundleIncompatible
from photoseek.photos.preprocessing import Preprocessing
from photoseek.system.atomic_write import MAX_TOKENIZER_BYTES, read_bounded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NAME = "photoseek"


def describe(folder: Path) -> BundleDescription:
    """Describe a folder with a manifest, after comparing the sizes of its files.

    Raises:
        BundleDamaged: The manifest cannot be read, or a file is missing or has another size.
        BundleIncompatible: A newer format, or no precision with all towers.
    """
    description = of_manifest(folder, Manifest.read(folder))
    if not description.precisions:
        raise BundleIncompatible(f"{folder}: no precision of which all towers are there")
    return description


def of_manifest(folder: Path, manifest: Manifest) -> BundleDescription:
    """Describe a folder by a manifest that was read before.

    Raises:
        BundleDamaged: A file is missing or has another size.
    """
    files = ChecksummedFiles(folder, manifest.files)
    files.check_sizes()
    return BundleDescription(
        layout=NAME,
        manifest=manifest,
        files=files,
        precisions=tuple(p for p in Layout.PRECISIONS if _towers(manifest, p) <= manifest.files.keys()),
        texts=_text_graph,
        visions=lambda precision: GraphSpec(Layout.vision_model(precision)),
        weights=lambda graph: [name for name in manifest.files if name.startswith(graph) and name != graph],
        load_preprocessing=lambda: Preprocessing.from_json(_read_json(files, Layout.PREPROCESSOR)),
        load_tokenization=partial(_load_tokenization, files, manifest),
        compute_fingerprint=lambda: manifest.fingerprint,
    )


def _text_graph(precision: str, language: str | None) -> GraphSpec:
    return GraphSpec(Layout.text_model(precision, language), batch_size_one=precision == "int8")


def _towers(manifest: Manifest, precision: str) -> set[str]:
    """The graphs that a precision consists of."""
    texts = {Layout.text_model(precision, language) for language in (None, *manifest.text_towers)}
    return {Layout.vision_model(precision), *texts}


def _read_json(files: ChecksummedFiles, name: str) -> dict[str, Any]:
    return json_object(files.verified(name), "export the bundle anew")


def _load_tokenization(files: ChecksummedFiles, manifest: Manifest, language: str | None) -> Tokenization:
    """Load that of a text tower.

    Raises:
        BundleDamaged: A tokenizer file is not what it should be.
    """
    reading = Reading() if language else manifest.reading
    config = _read_json(files, Layout.tokenizer_config(language))
    tokenizer = _load_tokenizer(files, language, min(_max_tokens(config), reading.length or MAX_TOKENS))
    side: PaddingSide = "left" if reading.side == "left" else "right"
    return Tokenization(tokenizer, _pad_id(files, language, tokenizer), reading.length, reading.masked, side)


def _load_tokenizer(files: ChecksummedFiles, language: str | None, most: int) -> Tokenizer:
    from tokenizers import Tokenizer

    path = files.verified(Layout.tokenizer(language))
    try:
        tokenizer = Tokenizer.from_buffer(read_bounded(path, MAX_TOKENIZER_BYTES))
    except MemoryError:
        raise
    except Exception as error:  # tokenizers raises bare Exception
        raise BundleDamaged(f"{path}: not a tokenizer: {error}{upgrade_hint(path)}; export the bundle anew") from error
    return without_limits(tokenizer, most)


def _max_tokens(config: dict[str, Any]) -> int:
    limit = config.get("model_max_length", config.get("max_length"))
    return int(min(limit, MAX_TOKENS)) if isinstance(limit, int | float) and limit > 0 else MAX_TOKENS


def _pad_id(files: ChecksummedFiles, language: str | None, tokenizer: Tokenizer) -> int:
    name = Layout.tokenizer_config(language)
    pad = _read_json(files, name).get("pad_token", "[PAD]")
    token = pad.get("content") if isinstance(pad, dict) else pad
    if not isinstance(token, str):
        raise BundleDamaged(f"{files.verified(name)}: expected pad_token as a text, found {pad!r:.80}")
    return tokenizer.token_to_id(token) or 0
