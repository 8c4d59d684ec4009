"""Everything that a training run is made of, saved inside its checkpoint.

``config.json`` of a checkpoint is a ``TrainingConfig``: with it the model, its tokenizer and its preprocessing
are rebuilt without a network and without the files that training began with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from photoseek.errors import BundleIncompatible
from photoseek.photos.preprocessing import Preprocessing
from photoseek_train.errors import CheckpointDamaged, CheckpointIncompatible, SettingsError

FORMAT = 1
"""The checkpoint format that this version reads and writes."""

POOLINGS = ("mean", "cls")
TUNES = ("none", "image", "text", "both")
RESIZES = ("crop", "squash")
PRECISIONS = ("auto", "fp32", "bf16")
DEVICES = ("auto", "cpu", "cuda", "mps")
LOSSES = ("infonce", "triplet")
BATCHES = ("all", "folder")

_Config = TypeVar("_Config")


@dataclass(frozen=True)
class ModelConfig:
    """The two towers and what joins them.

    Attributes:
        text_model: What the text tower began as: a model's name, or the name of its folder.
        text_architecture: The ``config.json`` of that model, as Hugging Face writes it.
        pooling: How token states become one: ``mean`` over the attention mask, or ``cls``.
        max_tokens: Longer captions are cut off in training.
        image_weights: What the image tower began as: ``imagenet``, the name of a file, or ``none``.
        dim: Length of the vectors.
        dropout: Share of the projectors' values that training drops.
        image_model: torchvision's name of the image tower's ResNet.
    """

    text_model: str
    text_architecture: dict[str, Any]
    pooling: str = "mean"
    max_tokens: int = 64
    image_weights: str = "imagenet"
    dim: int = 256
    dropout: float = 0.1
    image_model: str = "resnet18"

    def __post_init__(self) -> None:
        _expect(self.pooling in POOLINGS, "pooling", f"one of {', '.join(POOLINGS)}", self.pooling)
        _expect(self.max_tokens >= 3, "max_tokens", "at least 3: [CLS], a word, [SEP]", self.max_tokens)
        _expect(self.dim >= 1, "dim", "at least 1", self.dim)
        _expect(0 <= self.dropout < 1, "dropout", "within [0, 1)", self.dropout)


@dataclass(frozen=True)
class AugmentConfig:
    """What training changes about the photos it sees; evaluation changes nothing.

    Attributes:
        crop_scale: Least share of the photo's area that a random crop keeps.
        flip: Mirror half of the photos; not for captions that tell left from right.
        color: Brightness, contrast and saturation are each multiplied by up to 1 + this, or down to 1 - this.
        gray: Share of the photos that lose their colours; not for captions that tell them.
        erase: Share of the photos of which a random rectangle is wiped out.
        size: Side of the square that training cuts out, at most that of evaluation; 0: the same. A little smaller is
            right, for a random part shows things larger than the whole photo does (FixRes, Touvron et al. 2019).
        first_size: Side in the first epoch; it grows to ``size`` over the first four fifths of the run, for small
            pictures are cheap (progressive learning, Tan and Le 2021, section 4). 0: no growth.
        views: Where the image tower rests: so many random parts of each photo are passed through it once, and each step
            takes one of them. What is learned is then less bound to a tower's exact view of the photos that it was
            trained on. 0: the photo as evaluation sees it.
    """

    crop_scale: float = 0.5
    flip: bool = True
    color: float = 0.0
    gray: float = 0.0
    erase: float = 0.0
    size: int = 0
    first_size: int = 0
    views: int = 0

    def __post_init__(self) -> None:
        _expect(self.views >= 0, "views", "0 or more", self.views)
        _expect(0 < self.crop_scale <= 1, "crop_scale", "within (0, 1]", self.crop_scale)
        for name in ("size", "first_size"):
            _expect(getattr(self, name) == 0 or getattr(self, name) >= 32, name, "at least 32", getattr(self, name))
        for name in ("color", "gray", "erase"):
            _expect(0 <= getattr(self, name) <= 1, name, "within [0, 1]", getattr(self, name))


@dataclass(frozen=True)
class OptimConfig:
    """How the weights are changed.

    Attributes:
        tune: Which towers learn besides the projectors: ``none``, ``image``, ``text`` or ``both``.
        epochs: One passes each caption once where photos are cached features, else each photo once.
        captions_per_photo: How many captions a photo brings along in an epoch that passes photos.
        batch_size: Photos in a step; captions where photos are cached features.
        batch_by: ``all`` mixes the photos; ``folder`` fills each batch from one of their folders, so that the
            negatives of a drawing are drawings.
        lr: Peak learning rate of the projectors and the temperature.
        image_lr: Peak learning rate of the image tower.
        text_lr: Peak learning rate of the text tower.
        weight_decay: AdamW's; norms and biases have none.
        warmup: Share of the steps in which the rate rises linearly; then it falls as a cosine.
        clip_norm: The gradient is scaled down to this length.
        loss: ``infonce``, or ``triplet``.
        margin: Of the triplet loss.
        hardest_after: Epochs in which the triplet loss sums over all negatives; then the hardest alone counts.
        ema: Decay of the moving average of the weights, which is what is measured and kept; 0 keeps the weights.
        patience: Stop after so many epochs without a better dev rsum; 0 never stops.
        seed: What every random choice is derived from.
        precision: ``auto``: towers that learn compute in bfloat16 where the device has instructions for it, frozen
            ones in float32. ``fp32``: all in float32. ``bf16``: all towers in bfloat16.
        freeze_images: The image projector stays as it is, too, so that photos keep their vectors.
        keywords: Probability that a step takes the keywords of a caption in its place.
        mix: Share of the photos into which a part of another is pasted (CutMix); then the captions of both count.
        mask_tokens: Share of a caption's tokens that a text tower which learns finds hidden, as in BERT's pretraining.
    """

    tune: str = "none"
    epochs: int = 30
    captions_per_photo: int = 1
    batch_size: int = 256
    batch_by: str = "all"
    lr: float = 1e-3
    image_lr: float = 1e-4
    text_lr: float = 3e-5
    weight_decay: float = 0.01
    warmup: float = 0.05
    clip_norm: float = 1.0
    loss: str = "infonce"
    margin: float = 0.2
    hardest_after: int = 1
    ema: float = 0.0
    patience: int = 0
    seed: int = 0
    precision: str = "auto"
    freeze_images: bool = False
    keywords: float = 0.0
    mix: float = 0.0
    mask_tokens: float = 0.0

    def __post_init__(self) -> None:
        if self.freeze_images:
            _expect(self.tune in ("none", "text"), "tune", "none or text, as the image side is frozen", self.tune)
        _expect(self.tune in TUNES, "tune", f"one of {', '.join(TUNES)}", self.tune)
        _expect(self.loss in LOSSES, "loss", f"one of {', '.join(LOSSES)}", self.loss)
        _expect(self.precision in PRECISIONS, "precision", f"one of {', '.join(PRECISIONS)}", self.precision)
        _expect(self.batch_by in BATCHES, "batch_by", f"one of {', '.join(BATCHES)}", self.batch_by)
        _expect(self.batch_size >= 2, "batch_size", "at least 2: the others are the negatives", self.batch_size)
        for name in ("epochs", "captions_per_photo"):
            _expect(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name in ("lr", "image_lr", "text_lr", "clip_norm", "margin"):
            _expect(getattr(self, name) > 0, name, "more than 0", getattr(self, name))
        for name in ("weight_decay", "hardest_after", "patience", "seed"):
            _expect(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        _expect(0 <= self.ema < 1, "ema", "within [0, 1)", self.ema)
        _expect(0 <= self.warmup < 1, "warmup", "within [0, 1)", self.warmup)
        _expect(0 <= self.keywords <= 1, "keywords", "within [0, 1]", self.keywords)
        _expect(0 <= self.mix <= 1, "mix", "within [0, 1]", self.mix)
        _expect(0 <= self.mask_tokens < 1, "mask_tokens", "within [0, 1)", self.mask_tokens)
        if self.mask_tokens:
            _expect(self.tunes_text, "mask_tokens", "0 where the text tower rests", self.mask_tokens)
        if self.mix:
            _expect(self.tunes_image, "mix", "0 where the image tower rests and its features are cached", self.mix)
            _expect(self.loss == "infonce", "mix", "0 with the triplet loss, whose pairs are right or wrong", self.mix)

    @property
    def tunes_image(self) -> bool:
        """Whether photos pass through the image tower in every epoch."""
        return self.tune in ("image", "both")

    @property
    def tunes_text(self) -> bool:
        """Whether captions pass through the text tower in every epoch."""
        return self.tune in ("text", "both")


@dataclass(frozen=True)
class DataConfig:
    """What was trained on: sizes, and SHA-256 over the lines ``NAME#I<TAB>caption`` of each split."""

    train_images: int
    train_captions: int
    train_sha256: str
    dev_images: int
    dev_captions: int
    dev_sha256: str


@dataclass(frozen=True)
class TrainingConfig:
    """The content of a checkpoint's ``config.json``; ``preprocessing`` is the evaluation transform."""

    model: ModelConfig
    preprocessing: Preprocessing
    augment: AugmentConfig
    optim: OptimConfig
    data: DataConfig
    format: int = field(default=FORMAT)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; the preprocessing has the form of ``preprocessor_config.json``."""
        return {
            "format": self.format,
            "model": asdict(self.model),
            "preprocessing": self.preprocessing.to_json(),
            "augment": asdict(self.augment),
            "optim": asdict(self.optim),
            "data": asdict(self.data),
        }

    @classmethod
    def from_json(cls, values: Any, where: str = "config.json") -> TrainingConfig:
        """Read the JSON object that ``to_json`` returns; errors name the file ``where``.

        Raises:
            CheckpointIncompatible: The format is not ``FORMAT``.
            CheckpointDamaged: Not such an object, or a key is missing or unknown.
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
                preprocessing=Preprocessing.from_json(values["preprocessing"]),
                augment=_section(AugmentConfig, values["augment"], f"{where}: augment"),
                optim=_section(OptimConfig, values["optim"], f"{where}: optim"),
                data=_section(DataConfig, values["data"], f"{where}: data"),
            )
        except KeyError as error:
            raise CheckpointDamaged(f"{where}: expected a section {error}, found none") from error
        except (SettingsError, TypeError, BundleIncompatible) as error:
            raise CheckpointDamaged(f"{where}: {error}") from error

    @classmethod
    def _from_json(cls, values: Mapping[str, Any], where: str) -> TrainingConfig:
        return cls(
            model=_section(ModelConfig, values["model"], f"{where}: model"),
            preprocessing=Preprocessing.from_json(values["preprocessing"]),
            augment=_section(AugmentConfig, values["augment"], f"{where}: augment"),
            optim=_section(OptimConfig, values["optim"], f"{where}: optim"),
            data=_section(DataConfig, values["data"], f"{where}: data"),
        )

    def differences(self, other: TrainingConfig) -> list[str]:
        """Settings that differ, each as ``section.name: ours, not theirs``."""
        ours, theirs = dict(_leaves(self.to_json())), dict(_leaves(other.to_json()))
        names = sorted(ours.keys() | theirs.keys())
        return [
            f"{name}: {ours.get(name)!r}, not {theirs.get(name)!r}"
            for name in names
            if ours.get(name) != theirs.get(name)
        ]


def preprocessing_of(size: int = 224, resize: str = "crop") -> Preprocessing:
    """The evaluation transform for square photos of ``size`` pixels, with ImageNet's mean and deviation.

    ``crop`` scales the shorter side to 8/7 of the size and keeps the middle, as 256 and 224 of torchvision's
    ImageNet models; ``squash`` squeezes the whole photo.

    Raises:
        SettingsError: An unknown ``resize``, or a size that ResNet's 32-fold reduction leaves nothing of.
    """
    _expect(resize in RESIZES, "resize", f"one of {', '.join(RESIZES)}", resize)
    _expect(size >= 32, "image_size", "at least 32", size)
    return Preprocessing(size, size, shortest_edge=round(size * 8 / 7) if resize == "crop" else None)


def _section(kind: type[_Config], values: Any, where: str) -> _Config:
    expected = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    found = set(values) if isinstance(values, dict) else set()
    if found != expected:
        odd = sorted(expected ^ found)
    """One section, with all of its settings and no others."""
    expected = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    found = set(values) if isinstance(values, dict) else set()
    if found != expected:
        odd = sorted(found ^ expected)
        raise CheckpointDamaged(f"{where}: expected the keys {sorted(expected)}, found {odd} missing or unknown")
    return kind(**values)


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _expect(holds: bool, name: str, expected: str, found: object) -> None:
    if not holds:
        raise SettingsError(f"{name}: expected {expected}, found {found!r}")
