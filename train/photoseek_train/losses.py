"""The contrastive loss that pulls a photo and its captions together."""

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


def _same_photo(image_ids: Tensor) -> Tensor:
    """(n, n) bool: pairs of different rows that show the same photo."""
    same = image_ids[:, None] == image_ids[None, :]
    same.fill_diagonal_(False)
    return same
