"""Export of a checkpoint as a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.manifest import Layout, Manifest, TextTowerRecord
from photoseek.captions import read_caption_files
from photoseek.system.atomic_write import write_json_atomic
from photoseek_export.bundle_writer import ExportOptions, write_bundle
from photoseek_export.checkpoints import Checkpoint, load_extra_towers
from photoseek_export.model_card import model_card
from photoseek_export.quality_gate import MAX_RECALL_DROP, EvaluationImages, caption_files
from photoseek_export.quantize import calibration_images
from photoseek_export.steps import StepCallback, no_step
from photoseek_export.towers import vision_tower
from photoseek_train.config import TIMM


def export_checkpoint(
    checkpoint: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    precisions: Sequence[str] = ("fp32",),
    languages: Sequence[str] = ("en",),
    texts: Mapping[str, str | Path] | None = None,
    license: str = "MIT",
    evaluation: EvaluationImages | None = None,
    calibration: str | Path | None = None,
    max_loss: float = MAX_RECALL_DROP,
    overwrite: bool = False,
    published: Sequence[str] | None = None,
    origins: str = "",
    on_step: StepCallback = no_step,
) -> Bundle:
    """Export both towers with their projectors to ONNX, verify them, and write a bundle; on errors, write nothing.

    Args:
        checkpoint: Folder that ``photoseek-train fit`` wrote.
        out: Folder of the bundle.
        name: Name of the bundle. None: the folder's name.
        precisions: Among ``fp32``, ``fp16`` (weights stored in half precision) and ``int8`` (quantized), which requires
            ``evaluation`` and another precision.
        languages: ISO 639-1 codes of the languages of the checkpoint's captions.
        texts: Checkpoints of additional text towers by language, trained against the same image side.
        license: SPDX identifier of the license of the weights.
        evaluation: Images on which to evaluate each precision with the runtime. None: fp32 gets the metrics of
            training, the others none.
        calibration: Folder of photos that calibrate the activation ranges of int8. None: the images of ``evaluation``
            that are not evaluated.
        max_loss: Maximum loss of mean recall of int8, in percentage points, against the most exact precision.
        overwrite: Whether to replace an existing bundle.
        published: Precisions to keep in the bundle, such as int8 alone, once it was evaluated against another. None:
            all of ``precisions``.
        origins: Pretrained weights and data with their licenses, in Markdown, for the model card.
        on_step: Called with the name of each step.

    Raises:
        ParityError: The output of a graph differs from PyTorch's.
        RecallDropTooHigh: int8 loses more than ``max_loss``.
        ImageSideDiffers: An additional text tower was trained against another image side.
        BundleExists: The folder exists, and ``overwrite`` is false or it is not a bundle.
        CheckpointError: The checkpoint cannot be read.
    """
    out = Path(out).expanduser().absolute()
    options = ExportOptions(
        out, name, precisions, license, evaluation, overwrite, max_loss, published=published, on_step=on_step
    )
    options.check(Layout.PRECISIONS)
    on_step(f"load {checkpoint}")
    main = Checkpoint.load(checkpoint)
    extra = load_extra_towers(main, languages, texts or {})
    photos = None
    if evaluation is not None:
        caption_files(evaluation, languages, extra, precisions)  # fail early
        if "int8" in precisions:
            on_step("read calibration photos")
            photos = _calibration_photos(main, Path(calibration or evaluation.images), evaluation)
    return write_bundle(_CheckpointSource(main, languages, extra, photos, origins), options)


def _calibration_photos(main: Checkpoint, folder: Path, evaluation: EvaluationImages) -> npt.NDArray[np.float32]:
    evaluated = read_caption_files([evaluation.captions, *evaluation.extra_captions]).names(evaluation.split)
    return calibration_images(folder, main.loaded.config.preprocessing, evaluated)


@dataclass(frozen=True)
class _CheckpointSource:
    """A checkpoint with additional text towers by language; ``photos`` calibrate int8."""

    main: Checkpoint
    languages: Sequence[str]
    extra: Mapping[str, Checkpoint]
    photos: npt.NDArray[np.float32] | None
    origins: str

    def write(self, folder: Path, precisions: Sequence[str], on_step: StepCallback, /) -> Manifest:
        main, config = self.main, self.main.loaded.config
        text = main.export_text(folder, precisions, on_step)
        vision = vision_tower(main.loaded, self.photos).export(folder, precisions, on_step)
        extra = {code: _write_extra(tower, code, folder, precisions, on_step) for code, tower in self.extra.items()}
        self._write_configuration(folder)
        return Manifest(
            name="",
            dim=main.loaded.model.dim,
            pooling=config.model.pooling,
            languages=list(self.languages),
            preprocessing=config.preprocessing.id,
            weights=main.weights,
            files={},
            precisions=main.facts({each: {"text": text[each], "vision": vision[each]} for each in precisions}),
            training=main.training,
            text_towers=extra,
        )

    def check_outputs(self, _bundle: Bundle, _precision: str, /) -> Mapping[str, float]:
        """Return nothing: all graphs are verified, and the files of tokenizer and preprocessing are PyTorch's."""
        return {}

    def card(self, manifest: Manifest) -> str:
        config = self.main.loaded.config
        library, name = _library_and_name(config.model.image_model)
        image = f"{name} of {library}, initialized from: {config.model.image_weights}"
        texts = {code: tower.description for code, tower in self.extra.items()}
        return model_card(manifest, self.main.description, image, config.preprocessing, texts, self.origins)

    def _write_configuration(self, folder: Path) -> None:
        """Write configuration and preprocessing under the file names that other loaders expect."""
        model, config = self.main.loaded.model, self.main.loaded.config
        write_json_atomic(folder / Layout.PREPROCESSOR, config.preprocessing.to_json())
        values = {
            "model_type": "photoseek",
            "projection_dim": model.dim,
            "logit_scale": round(float(model.inverse_temperature.detach()), 4),
            "text_config": config.model.text_architecture,
            "vision_config": {
                "model_type": _library_and_name(config.model.image_model)[1],
                "hidden_size": model.image_tower.features,
            },
        }
        if self.extra:
            towers = self.extra.items()
            values["text_configs"] = {code: tower.loaded.config.model.text_architecture for code, tower in towers}
        write_json_atomic(folder / Layout.CONFIG, values)


def _library_and_name(image_model: str) -> tuple[str, str]:
    """Return the library of an image model, and its name there."""
    return ("timm", image_model.removeprefix(TIMM)) if image_model.startswith(TIMM) else ("torchvision", image_model)


def _write_extra(
    tower: Checkpoint, language: str, folder: Path, precisions: Sequence[str], on_step: StepCallback
) -> TextTowerRecord:
    text = tower.export_text(folder, precisions, on_step, language)
    facts = tower.facts({precision: {"text": found} for precision, found in text.items()})
    return TextTowerRecord(tower.loaded.config.model.pooling, tower.weights, facts, tower.training)
