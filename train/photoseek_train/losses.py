"""The losses that pull a photo and its captions together."""

from __future__ import annotations

import torch
from torch import Tensor


def info_nce(images: Tensor, texts: Tensor, scale: Tensor, image_ids: Tensor) -> Tensor:
    """Symmetric InfoNCE over the pairs of a batch.

    InfoNCE is van den Oord et al. 2018 (arXiv:1807.03748), equation 4; its mean over both directions is Radford
    et al. 2021 (CLIP, arXiv:2103.00020), figure 3. Two captions of one photo are both right answers: neither
    counts as a negative of the other.

    Args:
        images: Unit vectors, (n, dim); row i belongs to row i of ``texts``.
        texts: Unit vectors, (n, dim).
        scale: Inverse temperature, a scalar.
        image_ids: Which photo each row shows, (n,) int64; a photo may stand in several rows.

    Returns:
        The loss, a scalar.
    """
    logits = scale * images @ texts.T  # (n, n): [i, j] is photo of row i against caption of row j
    logits = logits.masked_fill(_same_photo(image_ids), float("-inf"))
    target = torch.arange(len(logits), device=logits.device)
    by_image = torch.nn.functional.cross_entropy(logits, target)
    by_text = torch.nn.functional.cross_entropy(logits.T, target)
    return (by_image + by_text) / 2


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


def _same_photo(image_ids: Tensor) -> Tensor:
    """(n, n) bool: pairs of different rows that show the same photo."""
    same = image_ids[:, None] == image_ids[None, :]
    same.fill_diagonal_(False)
    return same
