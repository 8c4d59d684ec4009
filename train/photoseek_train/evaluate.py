"""How well a checkpoint retrieves."""

from __future__ import annotations

from pathlib import Path

from photoseek.metrics import RetrievalMetrics
from photoseek_train.checkpoint import load_checkpoint
from photoseek_train.dataset import CaptionedPhotos
from photoseek_train.device import choose_device
from photoseek_train.encode import measure
from photoseek_train.inputs import LivePhotos, LiveTexts
from photoseek_train.photos import EvaluationPhotos
from photoseek_train.progress import Progress, silent
from photoseek_train.tokens import Tokens


def evaluate(
    checkpoint: str | Path,
    data: CaptionedPhotos,
    workers: int = 1,
    progress: Progress = silent,
    device: str = "auto",
) -> RetrievalMetrics:
    """Measure retrieval of a split in both directions, in float32 arithmetic, with all its captions.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        DataError: A photo cannot be decoded.
        SettingsError: The device is not here.
    """
    where = choose_device(device)
    model, config, tokenizer = load_checkpoint(checkpoint)
    photos = LivePhotos(EvaluationPhotos(data.paths, config.preprocessing), workers, pin=where.type == "cuda")
    texts = LiveTexts(Tokens(data.texts, tokenizer, config.model.max_tokens))
    return measure(model.to(where), data, photos, texts, progress)
