"""The common path from a loaded model to a bundle: export, verify, evaluate, describe, and publish the folder."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.manifest import FileRecord, Layout, Manifest
from photoseek_export.errors import BundleExists, ExportError
from photoseek_export.quality_gate import (
    MAX_RECALL_DROP,
    EvaluationImages,
    measure_recall,
    measure_similarity,
)
from photoseek_export.steps import StepCallback, no_step


@dataclass(frozen=True)
class ExportOptions:
    """Options common to all exports; see ``export_checkpoint``.

    ``published`` are the precisions that the bundle keeps; None: all. ``min_cosine`` is that of int8 without an
    evaluation, see ``measure_similarity``; None: int8 requires an evaluation.
    """

    out: Path
    name: str | None
    precisions: Sequence[str]
    license: str
    evaluation: EvaluationImages | None
    overwrite: bool
    max_loss: float = MAX_RECALL_DROP
    min_cosine: float | None = None
    published: Sequence[str] | None = None
    on_step: StepCallback = no_step

    def check(self, supported: Sequence[str]) -> None:
        """Check everything that does not require the model.

        Raises:
            BundleExists: See ``check_output_folder``.
            ExportError: A precision is not supported, or int8 cannot be evaluated against another precision.
        """
        check_output_folder(self.out, self.overwrite)
        unknown = [precision for precision in self.precisions if precision not in supported]
        if unknown or not self.precisions:
            raise ExportError(f"expected precisions among {', '.join(supported)}, found {', '.join(unknown) or 'none'}")
        alone = len(set(self.precisions)) == 1
        captions = self.evaluation is None and self.min_cosine is None
        if "int8" in self.precisions and (alone or captions):
            needed = ", and pass captioned images (--images DIR --captions FILE)" if captions else ""
            raise ExportError(f"int8 requires an evaluation against fp32 or fp16: export one of them too{needed}")


class Source(Protocol):
    """A loaded model to export."""

    def write(self, folder: Path, precisions: Sequence[str], on_step: StepCallback, /) -> Manifest:
        """Write verified graphs, tokenizers and configuration; return a manifest without name, license and files."""

    def check_outputs(self, bundle: Bundle, precision: str, /) -> Mapping[str, float]:
        """Compare vectors of the bundle with PyTorch's; return the maximum differences by name."""

    def card(self, manifest: Manifest) -> str:
        """Return the model card."""


def write_bundle(source: Source, options: ExportOptions) -> Bundle:
    """Export a model; the output folder is created only after everything is verified.

    Raises:
        ParityError: The output differs from PyTorch's.
        RecallDropTooHigh: int8 loses more than ``max_loss``.
        SimilarityTooLow: int8 vectors differ too much.
        ExportError: A caption file cannot be assigned to a text tower.
    """
    out = options.out
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as work:
        folder = Path(work, "new")
        (folder / "onnx").mkdir(parents=True)
        manifest = source.write(folder, options.precisions, options.on_step)
        manifest = replace(manifest, name=options.name or out.name, license=options.license, files=_records(folder))
        manifest.write(folder)
        bundle = Bundle.load(folder)
        options.on_step("verify the bundle")
        for precision, facts in manifest.precisions.items():
            facts["parity"] |= source.check_outputs(bundle, precision)
        if options.evaluation is not None:
            measure_recall(manifest, bundle, options.evaluation, options.max_loss, options.on_step)
        elif "int8" in options.precisions and options.min_cosine is not None:
            options.on_step("compare int8 with the most exact precision")
            manifest.precisions["int8"]["similarity"] = measure_similarity(bundle, options.min_cosine)
        if options.published is not None:
            manifest = _keep_precisions(manifest, folder, options.published)
        (folder / Layout.CARD).write_text(source.card(manifest), "utf-8")
        replace(manifest, files=_records(folder)).write(folder)
        _publish(folder, out)
    return Bundle.load(out)


def _keep_precisions(manifest: Manifest, folder: Path, kept: Collection[str]) -> Manifest:
    """Delete the graphs of all other precisions; return the manifest without them."""
    for precision in manifest.precisions.keys() - set(kept):
        texts = (Layout.text_model(precision, language) for language in (None, *manifest.text_towers))
        for name in (*texts, Layout.vision_model(precision)):
            (folder / name).unlink()
    towers = {
        code: replace(tower, precisions=_only(tower.precisions, kept)) for code, tower in manifest.text_towers.items()
    }
    return replace(manifest, precisions=_only(manifest.precisions, kept), text_towers=towers)


def _only(facts: Mapping[str, dict[str, Any]], kept: Collection[str]) -> dict[str, dict[str, Any]]:
    return {precision: values for precision, values in facts.items() if precision in kept}


def check_output_folder(out: Path, overwrite: bool) -> None:
    """Check that a bundle can be written to ``out``.

    Raises:
        BundleExists: The folder exists, and ``overwrite`` is false, it is not a bundle, or it contains files that its
            manifest does not list and that would be deleted with the replaced bundle.
    """
    if not out.exists():
        return
    if not (out / Layout.MANIFEST).is_file() and (out.is_file() or any(out.iterdir())):
        raise BundleExists(f"{out}: expected a new folder or a bundle, found other files; choose another --out")
    if (out / Layout.MANIFEST).is_file() and not overwrite:
        raise BundleExists(f"{out}: the bundle exists; replace it with --overwrite, or choose another --out")
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_symlink() or not path.is_dir()}
    if unlisted := sorted(files - _listed_files(out)):
        raise BundleExists(
            f"{out}: expected only files of the bundle, found {unlisted[0]}; move it, or choose another --out"
        )


def _listed_files(out: Path) -> set[str]:
    try:
        files = json.loads((out / Layout.MANIFEST).read_text("utf-8"))["files"]
        return {Layout.MANIFEST, *files}
    except (OSError, ValueError, KeyError, TypeError):  # a damaged manifest lists no files
        return {Layout.MANIFEST}


def _records(folder: Path) -> dict[str, FileRecord]:
    """Return the manifest's record of each file of a bundle."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != Layout.MANIFEST)
    return {path.relative_to(folder).as_posix(): FileRecord.of(path) for path in paths}


def _publish(new: Path, out: Path) -> None:
    """Rename the new folder to ``out``; an existing bundle is renamed first and restored if that fails."""
    backup = new.with_name("old")
    if out.exists():
        out.rename(backup)
    try:
        new.rename(out)
    except OSError:
        if backup.exists():
            backup.rename(out)
        raise
