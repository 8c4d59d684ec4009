"""The losses that pull a photo and its captions together."""

from __future__ import annotations

import torch
from torch import Tensor

_MASKED_LOGIT = -1e9  # a logit that adds nothing to a sum of exponentials, and has a gradient of zero, not of nan


def info_nce(images: Tensor, texts: Tensor, scale: Tensor, right: Tensor) -> Tensor:
    """Symmetric InfoNCE over the photos and captions of a batch.

    InfoNCE is van den Oord et al. 2018 (arXiv:1807.03748), equation 4; its mean over both directions is Radford
    et al. 2021 (CLIP, arXiv:2103.00020), figure 3. A photo may have several right captions, and a caption several
    right photos: each is weighed against the wrong ones alone, so none counts as a negative of another.

    Args:
        images: Unit vectors, (n, dim).
        texts: Unit vectors, (m, dim).
        scale: Inverse temperature, a scalar.
        right: How much of photo i caption j tells, float32 (n, m); 0 makes it a negative. No row and no column is
            all zero.

    Returns:
        The loss, a scalar.
    """
    logits = scale * images @ texts.T
    return (_cross_entropy(logits, right) + _cross_entropy(logits.T, right.T)) / 2


def _cross_entropy(logits: Tensor, right: Tensor) -> Tensor:
    """Cross-entropy of each right column against the wrong ones of its row, in the proportions of ``right``."""
    wrong = logits.masked_fill(right > 0, _MASKED_LOGIT).logsumexp(dim=1, keepdim=True)
    against_wrong = torch.nn.functional.softplus(wrong - logits)  # -ln(e^own / (e^own + the wrong ones' sum))
    return (right / right.sum(dim=1, keepdim=True) * against_wrong).sum(dim=1).mean()


def triplet(images: Tensor, texts: Tensor, image_ids: Tensor, margin: float, hardest: bool) -> Tensor:
    """Hinge loss on the pairs of a batch, in both directions.

    VSE++ (Faghri et al. 2018, arXiv:1707.05612): equation 5 sums over all negatives, equation 6 takes the hardest
    one alone. Here the mean over the pairs, so that the batch size doesn't change the rate. Captions of one photo
    are no negatives of each other.

    Args:
        images: Unit vectors, (n, dim); row i belongs to row i of ``texts``.
        texts: Unit vectors, (n, dim).
        image_ids: Which photo each row shows, (n,) int64.
        margin: By how much a pair has to score above its negatives.
        hardest: Whether only the negative of the highest score counts.

    Returns:
        The loss, a scalar.
    """
    scores = images @ texts.T
    own = scores.diagonal()
    right = image_ids[:, None] == image_ids[None, :]
    wrong_captions = (margin + scores - own[:, None]).clamp(min=0).masked_fill(right, 0.0)
    wrong_photos = (margin + scores - own[None, :]).clamp(min=0).masked_fill(right, 0.0)
    if hardest:
        return (wrong_captions.amax(dim=1) + wrong_photos.amax(dim=0)).mean()
    return (wrong_captions.sum(dim=1) + wrong_photos.sum(dim=0)).mean()
