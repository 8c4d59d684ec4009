"""The configuration of a training run, saved in its checkpoint.

``config.json`` of a checkpoint is a ``TrainingConfig``: it rebuilds the model and its preprocessing without a network
and without the files that training started from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from photoseek.bundle.layouts.hf_image_processor import read_preprocessing
from photoseek.errors import BundleIncompatible
from photoseek.photos.preprocessing import Preprocessing
from photoseek_train.errors import CheckpointDamaged, CheckpointIncompatible, SettingsError

FORMAT = 1
"""Checkpoint format that this version reads and writes."""

POOLINGS = ("mean", "cls")
TUNES = ("none", "image", "text", "both")
RESIZES = ("crop", "squash")
PRECISIONS = ("auto", "fp32", "bf16")
DEVICES = ("auto", "cpu", "cuda", "mps")
LOSSES = ("infonce", "triplet")
BATCHES = ("all", "folder")

_Config = TypeVar("_Config")
_Value = TypeVar("_Value")

TIMM = "timm:"
"""Prefix of the names of timm's image models."""

HELP, FLAG = "help", "flag"
"""Metadata keys of a ``setting``."""


def setting(default: _Value, description: str, flag: str | None = None) -> _Value:
    """Return a dataclass field that is also an option of the command line.

    Args:
        default: Default of the field and of the option.
        description: Help of the option.
        flag: Name of the option, if it is not that of the field.
    """
    return field(default=default, metadata={HELP: description, FLAG: flag})


@dataclass(frozen=True)
class ModelConfig:
    """The architecture of the two-tower model.

    Attributes:
        text_model: Name of the model, or of its folder, that initialized the text tower.
        text_architecture: The ``config.json`` of that model, as Hugging Face writes it.
        pooling: How token states are pooled: ``mean`` over the attention mask, or ``cls``.
        max_tokens: Captions are truncated to this length in training.
        image_weights: What initialized the image tower: ``imagenet``, the name of a file, or ``none``.
        dim: Dimension of the vectors.
        dropout: Dropout rate of the features and in the projectors.
        image_model: torchvision's name of the image tower's ResNet, or ``timm:`` and timm's name of a model.
    """

    text_model: str
    text_architecture: dict[str, Any]
    pooling: str = "mean"
    max_tokens: int = 64
    image_weights: str = "imagenet"
    dim: int = 256
    dropout: float = 0.4
    image_model: str = "resnet18"

    def __post_init__(self) -> None:
        _expect(self.pooling in POOLINGS, "pooling", f"one of {', '.join(POOLINGS)}", self.pooling)
        _expect(self.max_tokens >= 3, "max_tokens", "at least 3: [CLS], a word, [SEP]", self.max_tokens)
        _expect(self.dim >= 1, "dim", "at least 1", self.dim)
        _expect(0 <= self.dropout < 1, "dropout", "within [0, 1)", self.dropout)


@dataclass(frozen=True)
class ModelInit:
    """What a training run initializes the model from.

    Attributes:
        dim: Dimension of the vectors.
        dropout: Dropout rate of the features and in the projectors.
        checkpoint: Load towers, projectors, pooling and dim from this checkpoint instead. With ``text_model``, load
            only the image side, dim and temperature; text tower, ``pooling`` and text projector are new.
    """

    text_model: str | None = setting(None, "Folder or name of a Hugging Face BERT.")
    image_weights: str = setting("imagenet", "Image weights: imagenet, a file (.pth, .safetensors), or none.")
    pooling: str = setting("mean", "Pooling of token states: mean or cls.")
    max_tokens: int = setting(64, "Longer captions are truncated.")
    dim: int = 256
    dropout: float = 0.4
    checkpoint: Path | None = None
    image_model: str = setting("resnet18", "ResNet of torchvision, or timm:NAME, a model of timm (extra: timm).")

    def __post_init__(self) -> None:
        if self.text_model is None and self.checkpoint is None:
            raise SettingsError("text_model: expected a BERT, or a checkpoint to start from (--from), found neither")

    @property
    def random_image_init(self) -> bool:
        """Whether the image tower starts from random weights."""
        return self.checkpoint is None and self.image_weights == "none"


@dataclass(frozen=True)
class AugmentConfig:
    """Augmentation of the training photos; evaluation does not augment.

    A slightly smaller ``size`` than that of evaluation is better, because random crops magnify objects (FixRes, Touvron
    et al. 2019). From ``first_size``, it grows over the first four fifths of the run, because small images are cheap
    (progressive learning, Tan and Le 2021, section 4). ``views`` make the projector less dependent on the exact view of
    a photo.

    Attributes:
        crop_scale: Minimum fraction of the photo's area that a random crop keeps.
    """

    crop_scale: float = 0.5
    flip: bool = setting(True, "Mirror half of the photos; disable it if captions say left or right.")
    color: float = setting(0.0, "Maximum relative change of brightness, contrast and saturation.")
    gray: float = setting(0.0, "Fraction of the photos converted to grayscale; use 0 if captions name colors.")
    erase: float = setting(0.0, "Fraction of the photos with an erased rectangle.")
    size: int = setting(0, "Side of training images in pixels; 0: that of --image-size.", "--train-size")
    first_size: int = setting(0, "Side in the first epoch, from which it grows; 0: no growth.")
    views: int = setting(
        0, "With a frozen image tower: random crops of each photo to encode once, and to train on; 0: the full photo."
    )

    def __post_init__(self) -> None:
        _expect(self.views >= 0, "views", "0 or more", self.views)
        _expect(0 < self.crop_scale <= 1, "crop_scale", "within (0, 1]", self.crop_scale)
        for name in ("size", "first_size"):
            _expect(getattr(self, name) == 0 or getattr(self, name) >= 32, name, "at least 32", getattr(self, name))
        for name in ("color", "gray", "erase"):
            _expect(0 <= getattr(self, name) <= 1, name, "within [0, 1]", getattr(self, name))


@dataclass(frozen=True)
class OptimConfig:
    """The optimization.

    If the photos are cached features, an epoch is a pass over the captions, and a batch contains captions, each with
    its photo. If the image tower is trained, an epoch is a pass over the photos, each with ``captions_per_photo``
    captions. With ``ema``, the moving average is evaluated and saved.

    Attributes:
        clip_norm: Maximum norm of the gradient.
    """

    tune: str = setting("none", "Towers to train, in addition to the projectors: none, image, text or both.")
    epochs: int = setting(30, "Passes over the training photos, or over the captions if the image tower is frozen.")
    captions_per_photo: int = setting(1, "Captions per photo, with a trained image tower.")
    batch_size: int = setting(256, "Pairs per step; the other pairs are the negatives.")
    batch_by: str = setting("all", "all: mix the photos; folder: take each batch from one folder.")
    lr: float = setting(1e-3, "Peak learning rate of the projectors and the temperature.")
    image_lr: float = setting(1e-4, "Peak learning rate of the image tower.")
    frozen_stages: int = setting(
        0, "First stages of a pretrained image tower to freeze, and with them the statistics of all its batch norms."
    )
    text_lr: float = setting(3e-5, "Peak learning rate of the text tower.")
    weight_decay: float = setting(0.01, "Weight decay of AdamW, for matrices only.")
    warmup: float = setting(0.05, "Fraction of the steps with a rising learning rate; a cosine decay follows.")
    clip_norm: float = 1.0
    loss: str = setting("infonce", "infonce, or triplet with the hardest negative (VSE++).")
    margin: float = setting(0.2, "Margin of the triplet loss.")
    hardest_after: int = setting(1, "Epochs before triplet uses only the hardest negative.")
    ema: float = setting(0.0, "Decay of a moving average of the weights, such as 0.999; 0: none.")
    patience: int = setting(10, "Stop after this many epochs without a better dev rsum; 0: never.")
    seed: int = setting(0, "Seed of every random choice.")
    precision: str = setting(
        "auto", "auto: bf16 for trained towers if the hardware supports it; fp32: never bf16; bf16: for all towers."
    )
    freeze_images: bool = setting(
        False, "Freeze the image projector, too: vectors of photos do not change.", "--freeze-images"
    )
    keywords: float = setting(0.0, "Probability of replacing a caption by its keywords.")
    mix: float = setting(0.0, "Fraction of the photos with a pasted patch of another (CutMix).")
    mask_tokens: float = setting(0.0, "Fraction of tokens to mask, with a trained text tower.")

    def __post_init__(self) -> None:
        if self.freeze_images:
            _expect(self.tune in ("none", "text"), "tune", "none or text, because the image side is frozen", self.tune)
        _expect(self.tune in TUNES, "tune", f"one of {', '.join(TUNES)}", self.tune)
        _expect(self.loss in LOSSES, "loss", f"one of {', '.join(LOSSES)}", self.loss)
        _expect(self.precision in PRECISIONS, "precision", f"one of {', '.join(PRECISIONS)}", self.precision)
        _expect(self.batch_by in BATCHES, "batch_by", f"one of {', '.join(BATCHES)}", self.batch_by)
        _expect(self.batch_size >= 2, "batch_size", "at least 2: the other items are the negatives", self.batch_size)
        for name in ("epochs", "captions_per_photo"):
            _expect(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name in ("lr", "image_lr", "text_lr", "clip_norm", "margin"):
            _expect(getattr(self, name) > 0, name, "more than 0", getattr(self, name))
        for name in ("weight_decay", "hardest_after", "patience", "seed", "frozen_stages"):
            _expect(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        _expect(0 <= self.ema < 1, "ema", "within [0, 1)", self.ema)
        _expect(0 <= self.warmup < 1, "warmup", "within [0, 1)", self.warmup)
        _expect(0 <= self.keywords <= 1, "keywords", "within [0, 1]", self.keywords)
        _expect(0 <= self.mix <= 1, "mix", "within [0, 1]", self.mix)
        _expect(0 <= self.mask_tokens < 1, "mask_tokens", "within [0, 1)", self.mask_tokens)
        if self.mask_tokens:
            _expect(self.tunes_text, "mask_tokens", "0 with a frozen text tower", self.mask_tokens)
        if self.mix:
            _expect(self.tunes_image, "mix", "0 with a frozen image tower, whose features are cached", self.mix)
            _expect(self.loss == "infonce", "mix", "0 with the triplet loss, which has no partial matches", self.mix)

    @property
    def tunes_image(self) -> bool:
        """Whether the image tower is trained."""
        return self.tune in ("image", "both")

    @property
    def tunes_text(self) -> bool:
        """Whether the text tower is trained."""
        return self.tune in ("text", "both")


@dataclass(frozen=True)
class FitResources:
    """Resources and trackers of a run, which may resume with others: they do not change the result beyond rounding."""

    features: Path | None = setting(None, "Folder of cached features. [OUT/features]")  # noqa: RUF009 - a field
    device: str = setting("auto", "auto, cpu, cuda or mps; auto uses a GPU if there is one.")
    workers: int = setting(1, "Processes that decode photos which do not fit in memory.")
    photo_memory: float = setting(4.0, "Maximum GB of decoded photos, in all processes together.")
    log_with: list[str] | None = setting(None, "Also log to tensorboard, wandb, mlflow, ..., all; repeatable.")  # noqa: RUF009


@dataclass(frozen=True)
class DataConfig:
    """The training data: sizes, and SHA-256 over the lines ``NAME#I<TAB>caption`` of each split."""

    train_images: int
    train_captions: int
    train_sha256: str
    dev_images: int
    dev_captions: int
    dev_sha256: str


@dataclass(frozen=True)
class TrainingConfig:
    """The content of a checkpoint's ``config.json``.

    Attributes:
        preprocessing: The transform of evaluation.
        teacher: Name and fingerprint of the bundle that was distilled; empty if there was none.
    """

    model: ModelConfig
    preprocessing: Preprocessing
    augment: AugmentConfig
    optim: OptimConfig
    data: DataConfig
    teacher: str = ""
    format: int = field(default=FORMAT)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object; the preprocessing has the form of ``preprocessor_config.json``."""
        return {
            "format": self.format,
            "model": asdict(self.model),
            "preprocessing": self.preprocessing.to_json(),
            "augment": asdict(self.augment),
            "optim": asdict(self.optim),
            "data": asdict(self.data),
            "teacher": self.teacher,
        }

    @classmethod
    def from_json(cls, values: Any, where: str = "config.json") -> TrainingConfig:
        """Read the JSON object that ``to_json`` returns; errors name the file ``where``.

        Raises:
            CheckpointIncompatible: The format is not ``FORMAT``.
            CheckpointDamaged: The value is not such an object, or a key is missing or unknown.
        """
        if not isinstance(values, dict) or type(values.get("format")) is not int or values["format"] < 1:
            raise CheckpointDamaged(f"{where}: expected a JSON object with a format number")
        if values["format"] != FORMAT:
            raise CheckpointIncompatible(
                f"{where}: checkpoint format {values['format']}, this photoseek reads format {FORMAT}; "
                "upgrade photoseek, or train again"
            )
        try:
            return cls(
                model=_section(ModelConfig, values["model"], f"{where}: model"),
                preprocessing=read_preprocessing(values["preprocessing"], "preprocessing", native=True),
                augment=_section(AugmentConfig, values["augment"], f"{where}: augment"),
                optim=_section(OptimConfig, {"frozen_stages": 0, **values["optim"]}, f"{where}: optim"),
                data=_section(DataConfig, values["data"], f"{where}: data"),
                teacher=str(values.get("teacher", "")),
            )
        except KeyError as error:
            raise CheckpointDamaged(f"{where}: expected the section {error}, found none") from error
        except (SettingsError, TypeError, BundleIncompatible) as error:
            raise CheckpointDamaged(f"{where}: {error}") from error

    def differences(self, other: TrainingConfig) -> list[str]:
        """Return settings that differ, as ``section.name: ours, not theirs``; patience, which changes no epoch, may."""
        ours, theirs = dict(_scalar_fields(self.to_json())), dict(_scalar_fields(other.to_json()))
        names = sorted((ours.keys() | theirs.keys()) - {"optim.patience"})
        changed = (name for name in names if ours.get(name) != theirs.get(name))
        return [f"{name}: {ours.get(name)!r}, not {theirs.get(name)!r}" for name in changed]


def preprocessing_of(size: int = 224, resize: str = "crop", model: Preprocessing | None = None) -> Preprocessing:
    """Return the evaluation transform for square images of ``size`` pixels.

    Filter, mean and deviation are those of ``model``; by default bilinear and ImageNet's, as for torchvision's ResNets.

    ``crop`` scales the shorter side to 8/7 of the size and crops the center, like torchvision's ImageNet models (256
    and 224 pixels); ``squash`` resizes the full photo to a square.

    Raises:
        SettingsError: Unknown ``resize``, or ``size`` below 32, the total stride of a ResNet.
    """
    _expect(resize in RESIZES, "resize", f"one of {', '.join(RESIZES)}", resize)
    _expect(size >= 32, "image_size", "at least 32", size)
    edge = round(size * 8 / 7) if resize == "crop" else None
    return replace(model or Preprocessing(), height=size, width=size, shortest_edge=edge)


def _section(kind: type[_Config], values: Any, where: str) -> _Config:
    """Build one section from a JSON object that has all of its settings and no others."""
    expected = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    found = set(values) if isinstance(values, dict) else set()
    if found != expected:
        odd = sorted(expected ^ found)
        raise CheckpointDamaged(f"{where}: expected the keys {sorted(expected)}, found {odd} missing or unknown")
    return kind(**values)


def _scalar_fields(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _scalar_fields(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _expect(valid: bool, name: str, expected: str, found: object) -> None:
    if not valid:
        raise SettingsError(f"{name}: expected {expected}, found {found!r}")
