"""Pins: the commits and checksums that the first download of a model recorded, kept after its removal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from photoseek.bundle.installed_models import ModelRecord, models_folder
from photoseek.errors import ModelError
from photoseek.system.atomic_write import read_bounded, write_json_atomic

_FORMAT = 1


@dataclass(frozen=True)
class Pin:
    """What was recorded of a model.

    Attributes:
        sources: Commits by repository.
        sha256: Checksums of its files, by their paths inside the folder of the model.
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    sha256: Mapping[str, str] = field(default_factory=dict)


def read_pin(name: str) -> Pin:
    """Return the pin of a model; an empty one if it was never installed.

    Raises:
        ModelError: The file with the pins is damaged.
    """
    return _read().get(name, Pin())


def save_pin(record: ModelRecord) -> None:
    """Pin the commits and the checksums of a model; those of other precisions at the same commits are kept.

    Raises:
        ModelError: The file with the pins is damaged.
    """
    pins = _read()
    before = pins.get(record.name, Pin())
    kept = before.sha256 if before.sources == record.sources else {}
    added = {name: facts.sha256 for name, facts in record.files.items()}
    pin = Pin(dict(record.sources), {**kept, **added})
    if pin != before:
        values = {name: asdict(each) for name, each in {**pins, record.name: pin}.items()}
        write_json_atomic(_file(), {"format": _FORMAT, "models": values})


def _file() -> Path:
    return models_folder() / "pins.json"


def _read() -> dict[str, Pin]:
    try:
        values = json.loads(read_bounded(_file()))
        if values["format"] != _FORMAT:
            raise ValueError(f"expected format {_FORMAT}, found {values['format']!r:.80}")
        return {name: Pin(**facts) for name, facts in values["models"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{_file()}: expected the pins of installed models: {error}; remove the file to pin them again"
        ) from error
