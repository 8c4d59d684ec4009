"""Exported bundles, also as the source of another export, so that no graph is exported twice."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from photoseek import Bundle
from photoseek.bundle.manifest import Layout, Manifest
from photoseek_export.steps import StepCallback
from photoseek_export.towers import Tower


class Exported(NamedTuple):
    """A bundle and the output of the command that wrote it."""

    bundle: Bundle
    output: str


@dataclass(frozen=True)
class ExportedSource:
    """Copies the files of ``bundle``; ``tower``, if given, is exported over them."""

    bundle: Bundle
    tower: Tower | None = None

    def write(self, folder: Path, precisions: Sequence[str], on_step: StepCallback, /) -> Manifest:
        without = shutil.ignore_patterns(Layout.MANIFEST, Layout.CARD)
        shutil.copytree(self.bundle.path, folder, ignore=without, dirs_exist_ok=True)
        if self.tower is not None:
            self.tower.export(folder, precisions, on_step)
        return deepcopy(self.bundle.manifest)

    def check_outputs(self, _bundle: Bundle, _precision: str, /) -> Mapping[str, float]:
        return {}

    def card(self, _manifest: Manifest) -> str:
        return "# A copy"
