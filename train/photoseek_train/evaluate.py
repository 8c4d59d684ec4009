"""How well a checkpoint retrieves."""

from __future__ import annotations

from pathlib import Path

from photoseek.metrics import RetrievalMetrics
from photoseek_train.checkpoint import load_checkpoint
from photoseek_train.dataset import CaptionedPhotos
from photoseek_train.encode import measure
from photoseek_train.inputs import LivePhotos, LiveTexts
from photoseek_train.photos import EvaluationPhotos
from photoseek_train.progress import Progress, silent
from photoseek_train.tokens import Tokens


def evaluate(
    checkpoint: str | Path, data: CaptionedPhotos, workers: int = 1, progress: Progress = silent
) -> RetrievalMetrics:
    """Measure retrieval of a split in both directions, in float32 arithmetic, with all its captions.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        DataError: A photo cannot be decoded.
    """
    model, config, tokenizer = load_checkpoint(checkpoint)
    photos = LivePhotos(EvaluationPhotos(data.paths, config.preprocessing), workers)
    texts = LiveTexts(Tokens(data.texts, tokenizer, config.model.max_tokens))
    return measure(model, data, photos, texts, progress)
