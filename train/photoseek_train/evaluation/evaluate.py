"""How well a checkpoint retrieves."""

from __future__ import annotations

from pathlib import Path

from photoseek.evaluation.protocol import EvaluationProtocol
from photoseek.evaluation.report import Evaluation, assess
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
    """Measure retrieval of a split in both directions, in float32 arithmetic.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        DataError: A photo cannot be decoded.
        EvaluationError: The split doesn't allow what the protocol asks for.
        SettingsError: The device is not here.
    """
    rules = protocol or EvaluationProtocol()
    chosen = select_split(data, rules)
    return evaluate_split(chosen, encode_checkpoint(checkpoint, chosen, workers, progress, device), rules)


def select_split(data: CaptionedPhotos, protocol: EvaluationProtocol) -> CaptionedPhotos:
    """The photos and captions that count; what the protocol cannot do is refused here, before the work.

    Raises:
        EvaluationError: The split doesn't allow what the protocol asks for.
    """
    names, captions = protocol.choose(data.names, data.captions)
    protocol.fold_rows(len(names))
    return CaptionedPhotos(data.folder, tuple(names), tuple(captions))


def encode_checkpoint(
    checkpoint: str | Path,
    data: CaptionedPhotos,
    workers: int = 1,
    progress: ProgressCallback = no_progress,
    device: str = "auto",
) -> SplitVectors:
    """Encode a split with a checkpoint; raises as ``evaluate``."""
    where = choose_device(device)
    model, config, tokenizer = load_checkpoint(checkpoint)
    photos = DecodedPhotos(EvaluationPhotos(data.paths, config.preprocessing), workers, pin=where.type == "cuda")
    texts = TokenizedCaptions(Tokens(data.texts, tokenizer, config.model.max_tokens))
    return encode_split(model.to(where), photos, texts, progress)


def evaluate_split(data: CaptionedPhotos, vectors: SplitVectors, protocol: EvaluationProtocol) -> Evaluation:
    """Measure what ``choose`` has chosen."""
    return assess(vectors.images, vectors.texts, data.names, data.captions, protocol)
