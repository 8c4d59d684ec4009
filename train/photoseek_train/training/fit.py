"""Training of a model on a split, from initialization to a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from photoseek.photos.preprocessing import Preprocessing
from photoseek_train.config import (
    TIMM,
    AugmentConfig,
    DataConfig,
    FitResources,
    ModelInit,
    OptimConfig,
    TrainingConfig,
    preprocessing_of,
)
from photoseek_train.data.augment import Augmentation, check_sizes
from photoseek_train.data.dataset import CaptionedPhotos, require_disjoint, require_keywords
from photoseek_train.data.photos import EvaluationPhotos, TrainingPhotos, preload_photos
from photoseek_train.data.tokens import Tokens
from photoseek_train.device import choose_device
from photoseek_train.distributed import ProcessGroup
from photoseek_train.errors import SettingsError
from photoseek_train.features.cache import FeatureCache
from photoseek_train.features.frozen_features import (
    KEYWORDS,
    cached_image_features,
    cached_text_features,
    cached_view_features,
)
from photoseek_train.features.inputs import (
    CachedFeatures,
    CachedViews,
    DecodedPhotos,
    InputPipeline,
    KeywordReplacement,
    MaskedCaptions,
    TokenizedCaptions,
)
from photoseek_train.features.teacher import Teacher
from photoseek_train.model.checkpoint import CheckpointFiles, read_config
from photoseek_train.model.init import BuiltModel, build_model
from photoseek_train.model.timm_backbones import timm_preprocessing
from photoseek_train.model.two_tower import TwoTower
from photoseek_train.progress import ProgressCallback, no_progress
from photoseek_train.training.objectives import Contrastive, Distillation, Objective
from photoseek_train.training.run_folder import Run, check_run_folder
from photoseek_train.training.trackers import installed_trackers, track
from photoseek_train.training.trainer import EpochCallback, EpochRecord, SplitInputs, Trainer

_CONTRASTIVE = ("loss", "margin", "hardest_after", "mix", "captions_per_photo", "batch_by")


@dataclass(frozen=True)
class FitSettings:
    """The settings that determine the result of a training run, in addition to the data."""

    sources: ModelInit
    preprocessing: Preprocessing = field(default_factory=preprocessing_of)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)

    def __post_init__(self) -> None:
        if self.sources.random_image_init and not self.optim.tunes_image:
            raise SettingsError(
                f"tune {self.optim.tune!r} freezes the image tower, but image weights 'none' are random; "
                "pass --image-weights, or train the tower: --tune both"
            )
        if self.sources.random_image_init and self.optim.frozen_stages:
            raise SettingsError(
                "frozen_stages: expected 0 for an image tower with random weights; pass --image-weights"
            )
        check_sizes(self.augment, self.preprocessing)
        if self.augment.views and self.optim.tunes_image:
            raise SettingsError(
                f"views: expected 0 with a trained image tower, which gets a new view in every epoch, found "
                f"{self.augment.views}"
            )
        if self.optim.freeze_images and self.sources.checkpoint is not None:
            self._check_preprocessing(read_config(self.sources.checkpoint).preprocessing)

    @property
    def image_sizes(self) -> set[int]:
        """The sides of the images of evaluation and of training, in pixels; there may be more between them."""
        full, augment = self.preprocessing.width, self.augment
        return {full, augment.size or full, augment.first_size or augment.size or full}

    def _check_preprocessing(self, trained: Preprocessing) -> None:
        if trained.id != self.preprocessing.id:
            raise SettingsError(
                f"image_size and resize: expected those of {self.sources.checkpoint}, whose image side is frozen; "
                "omit them, or train the image side, too"
            )


def preprocessing_for(checkpoint: Path | None, image_model: str, size: int | None, resize: str | None) -> Preprocessing:
    """Return the preprocessing: the given values, else those of the checkpoint, else those of the image model.

    Raises:
        SettingsError: ``resize`` is unknown, or ``size`` is too small or not that of the image model.
        CheckpointError: The checkpoint cannot be used.
    """
    if checkpoint is not None:
        known = read_config(checkpoint).preprocessing
    else:
        known = timm_preprocessing(image_model) if image_model.startswith(TIMM) else preprocessing_of()
    if size is None and resize is None:
        return known
    theirs = "squash" if known.shortest_edge is None else "crop"
    return preprocessing_of(known.width if size is None else size, theirs if resize is None else resize, known)


def no_callback(record: EpochRecord) -> None:
    """Ignore the end of an epoch."""


@dataclass(frozen=True)
class Fit:
    """A configured training run; calling it trains and returns the finished run.

    With a teacher, the model takes over its temperature, and learns its vectors of photos and captions instead of
    telling the captions of different photos apart; training photos need no captions. ``command`` is the command line
    that started the run, for its report.
    """

    train: CaptionedPhotos
    dev: CaptionedPhotos
    settings: FitSettings
    out: Path
    resources: FitResources = field(default_factory=FitResources)
    teacher: Teacher | None = None
    command: str = ""

    def __call__(
        self, resume: bool = False, on_epoch: EpochCallback = no_callback, progress: ProgressCallback = no_progress
    ) -> Run:
        """Train, and save a checkpoint of the best epoch in ``out``.

        Args:
            resume: Continue the run in ``out``, if there is one; the result equals that of an uninterrupted run.
            on_epoch: Called after each epoch, when its results are on disk.
            progress: Progress callback.

        Returns:
            The finished run.

        Raises:
            RunExists: ``out`` contains a run and ``resume`` is not set, or other files; or another process trains it.
            RunMismatch: The run to resume has other settings.
            TrainingError: Towers, photos, captions, settings or trackers cannot be used.
        """
        self._check_data()
        trackers = installed_trackers(self.resources.log_with or ())
        device = choose_device(self.resources.device)
        processes = ProcessGroup.from_launcher(device)
        if not processes.is_main:
            progress = no_progress
        with processes.main_process_first():  # the main process checks the folder and downloads models
            check_run_folder(self.out, resume or not processes.is_main)
            built = build_model(self.settings.sources, self.settings.optim.seed)
        self._check_model(built.model)
        if self.teacher is not None:
            built.model.set_inverse_temperature(self.teacher.scale)
        built.model.to(processes.device(device))
        run = Run(self.out, self._config(built), processes)
        run.check_settings()
        with run.locked():
            trainer = self._trainer(built, processes, progress)
            first_epoch = run.resume(trainer)
            run.start(built.tokenizer, self.command)
            with track(trackers if processes.is_main else (), run) as log:

                def finish(record: EpochRecord) -> None:
                    run.finish_epoch(trainer, record)
                    if processes.is_main:
                        log(record)
                        on_epoch(record)

                trainer.run(first_epoch, finish, lambda: run.early_stop, progress)
        return run

    def _check_data(self) -> None:
        require_disjoint(self.train, self.dev)
        if self.teacher is not None:
            _expect_defaults(self.settings.optim)
        if self._with_keywords:
            require_keywords(self.train)

    def _check_model(self, model: TwoTower) -> None:
        model.image_tower.check_sizes(*self.settings.image_sizes)
        if self.teacher is not None and model.dim != self.teacher.bundle.dim:
            raise SettingsError(
                f"dim: expected {self.teacher.bundle.dim}, that of the teacher, found {model.dim}; start from "
                "another checkpoint"
            )

    def _config(self, built: BuiltModel) -> TrainingConfig:
        data = DataConfig(
            train_images=len(self.train.names),
            train_captions=len(self.train.captions),
            train_sha256=self.train.sha256_with_keywords if self._with_keywords else self.train.sha256,
            dev_images=len(self.dev.names),
            dev_captions=len(self.dev.captions),
            dev_sha256=self.dev.sha256,
        )
        settings = self.settings
        teacher = "" if self.teacher is None else self.teacher.name
        return TrainingConfig(built.config, settings.preprocessing, settings.augment, settings.optim, data, teacher)

    def _trainer(self, built: BuiltModel, processes: ProcessGroup, progress: ProgressCallback) -> Trainer:
        with processes.main_process_first():  # the main process fills the feature cache for the others
            train_texts, dev_texts = self._texts(built, progress)
            cached = None if self.settings.optim.tunes_image else self._cached_images(built, progress)
            objective = self._objective(progress)
        train_images, dev_images = cached or self._decoded_photos(built.model.device, processes.count, progress)
        train = SplitInputs(self.train, train_images, train_texts)
        dev = SplitInputs(self.dev, dev_images, dev_texts)
        return Trainer(built.model, train, dev, self.settings.optim, processes, objective)

    def _objective(self, progress: ProgressCallback) -> Objective:
        optim = self.settings.optim
        if self.teacher is None:
            return Contrastive(self.train, optim)
        images = self.teacher.image_vectors(self._features, self.train.paths, progress)
        texts = self.teacher.text_vectors(self._features, self.train.texts, progress)
        return Distillation(self.train, optim, images, texts, self.teacher.scale)

    def _cached_images(self, built: BuiltModel, progress: ProgressCallback) -> tuple[InputPipeline, InputPipeline]:
        """Return photos of train and dev as features of a frozen tower, with several views of train if configured."""
        settings, tower, bf16 = self.settings, built.model.image_tower, self._frozen_bf16
        views = settings.augment.views
        paths = self.dev.paths if views else self.train.paths + self.dev.paths
        rows = cached_image_features(self._features, tower, settings.preprocessing, paths, progress, bf16)
        if not views:
            return _split(rows, len(self.train.names), TwoTower.project_image)
        seed = settings.optim.seed
        photos = TrainingPhotos(self.train.paths, Augmentation(settings.augment, settings.preprocessing), seed)
        seen = cached_view_features(self._features, tower, photos, views, progress, bf16)
        return CachedViews(seen, TwoTower.project_image, seed), CachedFeatures(rows, TwoTower.project_image)

    def _decoded_photos(
        self, device: torch.device, processes: int, progress: ProgressCallback
    ) -> tuple[InputPipeline, InputPipeline]:
        """Return photos of train and dev for a trained tower; the ``processes`` share the memory."""
        settings, resources = self.settings, self.resources
        memory = round(resources.photo_memory * 1e9 / processes)
        augmentation = Augmentation(settings.augment, settings.preprocessing, settings.optim.epochs)
        train = TrainingPhotos(self.train.paths, augmentation, settings.optim.seed)
        dev = EvaluationPhotos(self.dev.paths, settings.preprocessing)
        preload_photos(train, memory, "decoding training photos", progress)
        preload_photos(dev, memory, "decoding dev photos", progress)
        pin = device.type == "cuda"
        return DecodedPhotos(train, resources.workers, pin), DecodedPhotos(dev, resources.workers, pin)

    def _texts(self, built: BuiltModel, progress: ProgressCallback) -> tuple[InputPipeline, InputPipeline]:
        """Return captions of train and dev: tokens if the text tower is trained, else features."""
        optim = self.settings.optim
        keywords = self.train.keyword_texts if self._with_keywords else []
        if optim.tunes_text:
            train, dev = self._tokenized_captions(built, keywords)
        else:
            train, dev = self._cached_captions(built, keywords, progress)
        return (KeywordReplacement(train, optim.keywords, optim.seed) if keywords else train), dev

    def _tokenized_captions(self, built: BuiltModel, keywords: list[str]) -> tuple[InputPipeline, InputPipeline]:
        longest = built.config.max_tokens
        tokens, optim = Tokens(self.train.texts + keywords, built.tokenizer, longest), self.settings.optim
        masked = optim.mask_tokens > 0 and tokens.mask_id >= 0  # mask_id raises if there is no mask token
        train = MaskedCaptions(tokens, optim.mask_tokens, optim.seed) if masked else TokenizedCaptions(tokens)
        return train, TokenizedCaptions(Tokens(self.dev.texts, built.tokenizer, longest))

    def _cached_captions(
        self, built: BuiltModel, keywords: list[str], progress: ProgressCallback
    ) -> tuple[InputPipeline, InputPipeline]:
        rows = cached_text_features(
            self._features, built, self.train.texts + self.dev.texts, progress, self._frozen_bf16
        )
        train, dev = _split(rows, len(self.train.captions), TwoTower.project_text)
        if keywords:
            keyword_rows = cached_text_features(self._features, built, keywords, progress, self._frozen_bf16, KEYWORDS)
            train = CachedFeatures(torch.cat([rows[: len(keywords)], keyword_rows]), TwoTower.project_text)
        return train, dev

    @property
    def _with_keywords(self) -> bool:
        return self.settings.optim.keywords > 0

    @property
    def _frozen_bf16(self) -> bool:
        return self.settings.optim.precision == "bf16"

    @property
    def _features(self) -> FeatureCache:
        return FeatureCache(self.resources.features or self.out / CheckpointFiles.FEATURES)


def _expect_defaults(optim: OptimConfig) -> None:
    """Check that no setting of the contrastive losses is set, which a teacher replaces.

    Raises:
        SettingsError: One is set.
    """
    for name in _CONTRASTIVE:
        default, found = getattr(OptimConfig, name), getattr(optim, name)
        if found != default:
            raise SettingsError(f"{name}: expected {default} with a teacher, found {found}; omit it")


def _split(
    rows: Tensor, train: int, project: Callable[[TwoTower, Tensor], Tensor]
) -> tuple[InputPipeline, InputPipeline]:
    """Split features that were computed together into train and dev."""
    return CachedFeatures(rows[:train], project), CachedFeatures(rows[train:], project)
