"""Evaluation of a checkpoint's retrieval."""

from __future__ import annotations

from pathlib import Path

from photoseek.evaluation.protocol import EvaluationProtocol
from photoseek.evaluation.report import Evaluation, evaluate_vectors
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.data.photos import EvaluationPhotos
from photoseek_train.data.tokens import Tokens
from photoseek_train.device import choose_device
from photoseek_train.features.encode import SplitVectors, encode_split
from photoseek_train.features.inputs import DecodedPhotos, TokenizedCaptions
from photoseek_train.model.checkpoint import load_checkpoint
from photoseek_train.progress import ProgressCallback, no_progress


def evaluate(
    checkpoint: str | Path,
    data: CaptionedPhotos,
    workers: int = 1,
    progress: ProgressCallback = no_progress,
    protocol: EvaluationProtocol | None = None,
    device: str = "auto",
) -> Evaluation:
    """Return the retrieval metrics of a split in both directions, computed in float32.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        DataError: A photo cannot be decoded.
        EvaluationError: The split is too small for the protocol.
        SettingsError: The device is not available.
    """
    rules = protocol or EvaluationProtocol()
    chosen = select_split(data, rules)
    return evaluate_split(chosen, encode_checkpoint(checkpoint, chosen, workers, progress, device), rules)


def select_split(data: CaptionedPhotos, protocol: EvaluationProtocol) -> CaptionedPhotos:
    """Return the photos and captions that the protocol evaluates, after checking that it fits the split.

    Raises:
        EvaluationError: The split is too small for the protocol.
    """
    names, captions = protocol.choose(data.names, data.captions)
    protocol.fold_slices(len(names))
    return CaptionedPhotos(data.folder, tuple(names), tuple(captions))


def encode_checkpoint(
    checkpoint: str | Path,
    data: CaptionedPhotos,
    workers: int = 1,
    progress: ProgressCallback = no_progress,
    device: str = "auto",
) -> SplitVectors:
    """Return the vectors of a split, encoded with a checkpoint; raises like ``evaluate``."""
    target = choose_device(device)
    model, config, tokenizer = load_checkpoint(checkpoint)
    photos = DecodedPhotos(EvaluationPhotos(data.paths, config.preprocessing), workers, pin=target.type == "cuda")
    texts = TokenizedCaptions(Tokens(data.texts, tokenizer, config.model.max_tokens))
    return encode_split(model.to(target), photos, texts, progress)


def evaluate_split(data: CaptionedPhotos, vectors: SplitVectors, protocol: EvaluationProtocol) -> Evaluation:
    """Return the metrics of the photos and captions that ``select_split`` returned."""
    return evaluate_vectors(vectors.images, vectors.texts, data.names, data.captions, protocol)
