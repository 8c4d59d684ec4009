"""Galleries as earlier versions of photoseek made them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def rewrite_generation(gallery: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = gallery / "generations" / "000001" / "manifest.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    (gallery / "CURRENT").write_text(f"000001 {hashlib.sha256(path.read_bytes()).hexdigest()}\n")


def without_checks(values: dict[str, Any]) -> None:
    """Format 4 as it was at first."""
    del values["files"]["checks.npy"]
