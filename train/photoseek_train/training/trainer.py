"""The training loop; each epoch is evaluated on dev."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from photoseek.evaluation.metrics import RetrievalMetrics, retrieval_metrics
from photoseek_train.config import OptimConfig
from photoseek_train.data.batches import Batch, check_batch_size
from photoseek_train.data.cutmix import CutMix, sample_cutmix
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.device import tower_arithmetic
from photoseek_train.distributed import SINGLE_PROCESS, ProcessGroup
from photoseek_train.errors import RunDiverged
from photoseek_train.features.encode import SplitVectors, encode_split
from photoseek_train.features.inputs import InputPipeline
from photoseek_train.model.two_tower import TwoTower, l2_normalize
from photoseek_train.progress import ProgressCallback, no_progress
from photoseek_train.training.objectives import Contrastive, Objective, StepVectors
from photoseek_train.training.optimizer import create_ema, learning_rates, lr_multiplier, make_optimizer


@dataclass(frozen=True)
class SplitInputs:
    """A split, with its photos and captions as inputs of the model."""

    data: CaptionedPhotos
    images: InputPipeline
    texts: InputPipeline


@dataclass(frozen=True)
class EpochRecord:
    """One line of ``history.jsonl``; ``lr`` is the learning rate of each module at the end of the epoch."""

    epoch: int
    loss: float
    lr: dict[str, float]
    temperature: float
    seconds: float
    dev: RetrievalMetrics

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {**asdict(self), "dev": self.dev.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> EpochRecord:
        """Read the object that ``to_json`` returns."""
        return cls(**{**values, "dev": RetrievalMetrics.from_json(values["dev"])})


EpochCallback = Callable[[EpochRecord], None]
"""Called after each epoch."""

StopCondition = Callable[[], bool]
"""Called before each epoch; returns whether to stop."""


class Trainer:
    """A model in training, with its optimizer."""

    def __init__(
        self,
        model: TwoTower,
        train: SplitInputs,
        dev: SplitInputs,
        config: OptimConfig,
        processes: ProcessGroup = SINGLE_PROCESS,
        objective: Objective | None = None,
    ) -> None:
        """Prepare training; ``objective`` defaults to the contrastive loss of ``config``."""
        self.model = model
        self.processes = processes
        self.train = train
        self.dev = dev
        self.config = config
        self.objective: Objective = objective or Contrastive(train.data, config)
        freeze(model, config)
        self.optimizer = make_optimizer(model, config)
        first_batches = self.objective.batches(epoch=1)
        self.steps = len(first_batches)
        if processes.count > 1:
            check_batch_size(first_batches, config, processes.count)
        self.average = create_ema(model, config.ema) if config.ema else None
        self.dev_vectors: SplitVectors | None = None  # of the last evaluation

    @property
    def result(self) -> TwoTower:
        """The model that is evaluated and saved."""
        return self.model if self.average is None else cast(TwoTower, self.average.module)

    def run(
        self,
        first_epoch: int,
        on_epoch: EpochCallback,
        stop: StopCondition,
        progress: ProgressCallback = no_progress,
    ) -> None:
        """Train from ``first_epoch``, counted from 1, to the last; the global random state is preserved."""
        gpus = [self.model.device] if self.model.device.type == "cuda" else []
        with torch.random.fork_rng(devices=gpus):
            for epoch in range(first_epoch, self.config.epochs + 1):
                if stop():
                    return
                on_epoch(self._epoch(epoch, progress))

    def _epoch(self, epoch: int, progress: ProgressCallback) -> EpochRecord:
        started = time.perf_counter()
        loss = self._train_epoch(epoch, progress)
        metrics = self.measure()
        return EpochRecord(
            epoch=epoch,
            loss=loss,
            lr=learning_rates(self.optimizer),
            temperature=1 / float(self.model.inverse_temperature.detach()),
            seconds=round(time.perf_counter() - started, 3),
            dev=metrics,
        )

    def _train_epoch(self, epoch: int, progress: ProgressCallback) -> float:
        """Train for one pass over the training split; return the mean loss. Progress is that of the run."""
        torch.manual_seed(self.config.seed * 100_003 + epoch + 1_000_000_007 * self.processes.rank)  # for dropout
        set_training(self.model, self.config)
        batches = [batch.split(self.processes.count) for batch in self.objective.batches(epoch)]
        local = [self.processes.shard(shards) for shards in batches]
        photos = self.train.images.stream([shard.photos for shard in local], epoch)
        captions = self.train.texts.stream([shard.captions for shard in local], epoch)
        total = 0.0
        for step, (shards, images, texts) in enumerate(zip(batches, photos, captions, strict=True)):
            self._set_rates((epoch - 1) * self.steps + step)
            total += self._step(shards, images, texts, (epoch, step))
            if not math.isfinite(total):
                raise RunDiverged(f"epoch {epoch}, step {step + 1}: the loss is {total}; decrease the learning rates")
            done = (epoch - 1) * len(batches) + step + 1
            progress(f"epoch {epoch}/{self.config.epochs}", done, self.config.epochs * len(batches))
        return total / len(batches)

    def _set_rates(self, step: int) -> None:
        factor = lr_multiplier(step, self.config.epochs * self.steps, self.config.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor

    def _step(self, shards: Sequence[Batch], images: Any, texts: Any, moment: tuple[int, int]) -> float:
        """Update the weights; ``images`` and ``texts`` are those of this process's shard."""
        loss = self._loss(shards, images, texts, moment)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self._share_gradients()
        nn.utils.clip_grad_norm_(self._trainable_parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.model.clamp_logit_scale()
        self.processes.average_buffers(trainable_modules(self.model, self.config).values())
        if self.average is not None:
            self.average.update_parameters(self.model)
        return float(loss.detach())

    def _loss(self, shards: Sequence[Batch], images: Any, texts: Any, moment: tuple[int, int]) -> Tensor:
        """Return the loss of the full batch; towers may compute in bfloat16, the loss in float32."""
        cutmixes = [self._sample_cutmix(shard, images, (*moment, rank)) for rank, shard in enumerate(shards)]
        cutmix = self.processes.shard(cutmixes)
        # projectors are too small to benefit from bfloat16
        precision = self.config.precision if self.config.tune != "none" else "fp32"
        with tower_arithmetic(precision, self.model.device):
            if cutmix is not None:
                images = cutmix(images.to(self.model.device, non_blocking=True))
            image_vectors = l2_normalize(self.train.images.embed(self.model, images))
            text_vectors = l2_normalize(self.train.texts.embed(self.model, texts))
        image_vectors = self.processes.gather(image_vectors, [len(shard.photos) for shard in shards])
        text_vectors = self.processes.gather(text_vectors, [len(shard.captions) for shard in shards])
        scale = self.model.inverse_temperature
        return self.objective.loss(StepVectors(image_vectors, text_vectors, shards, cutmixes, scale, moment[0]))

    def _sample_cutmix(self, shard: Batch, images: Any, moment: tuple[int, ...]) -> CutMix | None:
        """Sample the patches of a shard; every process samples those of all shards."""
        if not self.config.mix:
            return None
        rng = np.random.default_rng([self.config.seed, *moment])
        return sample_cutmix(len(shard.photos), images.shape[-2:], self.config.mix, rng)

    def _share_gradients(self) -> None:
        """Sum the gradients over processes; that of the temperature is complete in each process."""
        scale = self.model.logit_scale
        if scale.grad is not None:
            scale.grad /= self.processes.count
        self.processes.sum_gradients(self._trainable_parameters())

    def _trainable_parameters(self) -> list[nn.Parameter]:
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def measure(self) -> RetrievalMetrics:
        """Return the retrieval metrics on dev."""
        model = self.result.eval()
        vectors = encode_split(model, self.dev.images, self.dev.texts, processes=self.processes)
        self.dev_vectors = vectors
        return retrieval_metrics(*vectors, self.dev.data.image_of_text)


def trainable_modules(model: TwoTower, config: OptimConfig) -> dict[str, nn.Module]:
    """Return the trained modules by their names in the model."""
    modules: dict[str, nn.Module] = {"text_projector": model.text_projector}
    if not config.freeze_images:
        modules["image_projector"] = model.image_projector
    if config.tunes_image:
        modules["image_tower"] = model.image_tower
    if config.tunes_text:
        modules["text_tower"] = model.text_tower
    return modules


def freeze(model: TwoTower, config: OptimConfig) -> None:
    """Freeze all modules that ``config.tune`` does not name; use the channels-last memory format for photos."""
    model.requires_grad_(False)
    for module in trainable_modules(model, config).values():
        module.requires_grad_(True)
    if config.frozen_stages:
        model.image_tower.freeze_stages(config.frozen_stages)
    model.logit_scale.requires_grad_(True)
    model.image_tower.to(memory_format=torch.channels_last)


def set_training(model: TwoTower, config: OptimConfig) -> None:
    """Set the trained modules to training mode and the frozen ones to evaluation mode.

    With frozen stages, batch norms keep the statistics of their pretraining, as in detectors (Ren et al. 2015).
    """
    model.eval()
    for module in trainable_modules(model, config).values():
        module.train()
    if config.frozen_stages:
        for module in model.image_tower.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
