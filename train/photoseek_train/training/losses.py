"""Contrastive losses, and losses of distillation."""

from __future__ import annotations

import torch
from torch import Tensor

_MASKED_LOGIT = -1e9  # vanishes in logsumexp; unlike -inf, it has a gradient of 0 and not NaN


def info_nce(images: Tensor, texts: Tensor, scale: Tensor, right: Tensor) -> Tensor:
    """Return the symmetric InfoNCE loss of the photos and captions of a batch.

    InfoNCE is van den Oord et al. 2018 (arXiv:1807.03748), equation 4; the mean of both directions is Radford et al.
    2021 (CLIP, arXiv:2103.00020), figure 3. A photo may have several positive captions, and a caption several positive
    photos: each is contrasted only with the negatives.

    Args:
        images: Unit vectors, (n, dim).
        texts: Unit vectors, (m, dim).
        scale: Inverse temperature, a scalar.
        right: Weight of caption j as a match of photo i, float32 (n, m); 0 marks a negative. No row and no column is
            all zero.

    Returns:
        The loss, a scalar.
    """
    logits = scale * images @ texts.T
    return (_cross_entropy(logits, right) + _cross_entropy(logits.T, right.T)) / 2


def _cross_entropy(logits: Tensor, right: Tensor) -> Tensor:
    """Return the cross-entropy of each positive column against the negatives of its row, weighted by ``right``."""
    wrong = logits.masked_fill(right > 0, _MASKED_LOGIT).logsumexp(dim=1, keepdim=True)
    against_wrong = torch.nn.functional.softplus(wrong - logits)  # -ln(e^positive / (e^positive + sum of e^negative))
    return (right / right.sum(dim=1, keepdim=True) * against_wrong).sum(dim=1).mean()


def triplet(images: Tensor, texts: Tensor, image_ids: Tensor, margin: float, hardest: bool) -> Tensor:
    """Return the hinge loss on the pairs of a batch, in both directions.

    VSE++ (Faghri et al. 2018, arXiv:1707.05612): equation 5 sums over all negatives, equation 6 uses the hardest one.
    The result is the mean over pairs, so that the learning rate does not depend on the batch size. Captions of the same
    photo are not negatives of each other.

    Args:
        images: Unit vectors, (n, dim); row i matches row i of ``texts``.
        texts: Unit vectors, (n, dim).
        image_ids: Id of the photo of each row, (n,) int64.
        margin: Margin between the scores of a pair and of its negatives.
        hardest: Whether only the hardest negative counts.

    Returns:
        The loss, a scalar.
    """
    scores = images @ texts.T
    positive = scores.diagonal()
    right = image_ids[:, None] == image_ids[None, :]
    wrong_captions = (margin + scores - positive[:, None]).clamp(min=0).masked_fill(right, 0.0)
    wrong_photos = (margin + scores - positive[None, :]).clamp(min=0).masked_fill(right, 0.0)
    if hardest:
        return (wrong_captions.amax(dim=1) + wrong_photos.amax(dim=0)).mean()
    return (wrong_captions.sum(dim=1) + wrong_photos.sum(dim=0)).mean()


def feature_regression(vectors: Tensor, teacher: Tensor) -> Tensor:
    """Return half of the mean squared distance of unit vectors to those of a teacher, both (n, dim): 1 - cosine.

    Feature distillation of Yang et al. 2024 (CLIP-KD, arXiv:2307.12732), section 3.2.
    """
    return 1 - (vectors * teacher).sum(dim=1).mean()


def affinity_mimicking(student: tuple[Tensor, Tensor], teacher: tuple[Tensor, Tensor], scale: float) -> Tensor:
    """Return the divergence of the student's similarities from the teacher's, averaged over both directions.

    Wu et al. 2023 (TinyCLIP, arXiv:2309.12314), section 3.1: for each photo, the softmax over the captions of the
    batch, and for each caption, that over its photos. The constant entropy of the teacher is subtracted.

    Args:
        student: Unit vectors of photos, (n, dim), and of captions, (m, dim).
        teacher: The teacher's unit vectors, as for the student.
        scale: Inverse temperature of both.
    """
    ours, theirs = (scale * images @ texts.T for images, texts in (student, teacher))
    return (_divergence(ours, theirs) + _divergence(ours.T, theirs.T)) / 2


def _divergence(ours: Tensor, theirs: Tensor) -> Tensor:
    """Return the mean Kullback-Leibler divergence of the softmax of each row."""
    return torch.nn.functional.kl_div(
        ours.log_softmax(dim=1), theirs.log_softmax(dim=1), log_target=True, reduction="batchmean"
    )
