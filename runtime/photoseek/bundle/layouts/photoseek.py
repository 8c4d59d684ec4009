"""The layout of bundles that photoseek-export writes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photoseek.bundle.description import BundleDescription, GraphSpec
from photoseek.bundle.files import ChecksummedFiles
from photoseek.bundle.json_files import json_object, placeholder_hint
from photoseek.bundle.layouts.hf_image_processor import read_preprocessing
from photoseek.bundle.manifest import Layout, Manifest
from photoseek.bundle.tokenization import MAX_TOKENS, Padding, Tokenization, configure_tokenizer
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
    manifest = Manifest.read(folder)
    files = ChecksummedFiles(folder, manifest.files)
    files.check_sizes()
    languages = (None, *manifest.text_towers)
    text_graphs = {
        precision: {
            code: _graph(manifest, Layout.text_model(precision, code), precision == "int8") for code in languages
        }
        for precision in Layout.PRECISIONS
        if all(Layout.text_model(precision, code) in manifest.files for code in languages)
        and Layout.vision_model(precision) in manifest.files
    }
    if not text_graphs:
        raise BundleIncompatible(f"{folder}: expected a precision with all towers, found none; export the bundle again")
    return BundleDescription(
        layout=NAME,
        manifest=manifest,
        files=files,
        text_graphs=text_graphs,
        vision_graphs={
            each: _graph(manifest, Layout.vision_model(each), manifest.has_dynamic_photos(each)) for each in text_graphs
        },
        load_preprocessing=partial(_load_preprocessing, files),
        load_tokenization=partial(_load_tokenization, files, manifest),
        compute_fingerprint=lambda: manifest.fingerprint,
    )


def _graph(manifest: Manifest, file: str, batch_size_one: bool = False) -> GraphSpec:
    external_data = tuple(name for name in manifest.files if name.startswith(file) and name != file)
    return GraphSpec(file, external_data=external_data, batch_size_one=batch_size_one)


def _read_json(files: ChecksummedFiles, name: str) -> dict[str, Any]:
    return json_object(files.verified_path(name), "export the bundle again")


def _load_preprocessing(files: ChecksummedFiles) -> Preprocessing:
    config = _read_json(files, Layout.PREPROCESSOR)
    return read_preprocessing(config, files.verified_path(Layout.PREPROCESSOR), native=True)


def _load_tokenization(files: ChecksummedFiles, manifest: Manifest, language: str | None) -> Tokenization:
    """Load the tokenizer of a text tower.

    Raises:
        BundleDamaged: A tokenizer file is missing, damaged or invalid.
    """
    padding = Padding() if language else manifest.padding
    name = Layout.tokenizer_config(language)
    config = _read_json(files, name)
    limit = config.get("model_max_length", config.get("max_length"))
    max_length = min(limit, MAX_TOKENS) if isinstance(limit, int | float) and limit > 0 else MAX_TOKENS
    tokenizer = _load_tokenizer(files, language, min(int(max_length), padding.length or MAX_TOKENS))
    pad = config.get("pad_token", "[PAD]")
    token = pad.get("content") if isinstance(pad, dict) else pad
    if not isinstance(token, str):
        raise BundleDamaged(f"{files.verified_path(name)}: expected pad_token as a text, found {pad!r:.80}")
    return Tokenization(tokenizer, tokenizer.token_to_id(token) or 0, padding)


def _load_tokenizer(files: ChecksummedFiles, language: str | None, max_length: int) -> Tokenizer:
    from tokenizers import Tokenizer

    path = files.verified_path(Layout.tokenizer(language))
    try:
        tokenizer = Tokenizer.from_buffer(read_bounded(path, MAX_TOKENIZER_BYTES))
    except MemoryError:
        raise
    except Exception as error:  # tokenizers raises bare Exception
        raise BundleDamaged(
            f"{path}: not a tokenizer: {error}{placeholder_hint(path)}; export the bundle again"
        ) from error
    return configure_tokenizer(tokenizer, max_length)
