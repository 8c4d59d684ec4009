"""InfoNCE against a case worked by hand, and against loops."""

from __future__ import annotations

import math

import pytest
import torch

from photoseek_train.losses import info_nce
from photoseek_train.model import unit


def looped(images: torch.Tensor, texts: torch.Tensor, scale: float, ids: list[int]) -> float:
    total = 0.0
    for i in range(len(ids)):
        kept = [j for j in range(len(ids)) if j == i or ids[j] != ids[i]]
        own = scale * float(images[i] @ texts[i])
        total += math.log(sum(math.exp(scale * float(images[i] @ texts[j])) for j in kept)) - own
        total += math.log(sum(math.exp(scale * float(images[j] @ texts[i])) for j in kept)) - own
    return total / (2 * len(ids))


def test_two_orthogonal_pairs_worked_by_hand() -> None:
    """Each row sees logits (2, 0): the loss is -ln(e^2 / (e^2 + 1))."""
    rows = torch.eye(2)
    loss = info_nce(rows, rows, torch.tensor(2.0), torch.tensor([0, 1]))
    assert float(loss) == pytest.approx(math.log1p(math.exp(-2.0)))


def test_equal_vectors_cost_the_logarithm_of_the_batch() -> None:
    rows = torch.ones(5, 4) / 2
    loss = info_nce(rows, rows, torch.tensor(7.0), torch.arange(5))
    assert float(loss) == pytest.approx(math.log(5))


@pytest.mark.parametrize("ids", [[0, 1, 2, 3, 4, 5], [0, 0, 1, 2, 2, 2], [3, 1, 3, 1, 3, 1]])
def test_equals_a_loop_that_skips_other_captions_of_the_photo(ids: list[int]) -> None:
    generator = torch.Generator().manual_seed(1)
    images, texts = (unit(torch.randn(6, 8, generator=generator)) for _ in range(2))
    loss = info_nce(images, texts, torch.tensor(5.0), torch.tensor(ids))
    assert float(loss) == pytest.approx(looped(images, texts, 5.0, ids), abs=1e-6)


def test_captions_of_one_photo_do_not_push_each_other_away() -> None:
    """A batch of one photo has no negatives, so no loss and no gradient."""
    images = unit(torch.randn(3, 4)).requires_grad_()
    loss = info_nce(images, unit(torch.randn(3, 4)), torch.tensor(9.0), torch.tensor([8, 8, 8]))
    torch.autograd.backward(loss)
    assert float(loss.detach()) == pytest.approx(0.0, abs=1e-6)
    assert images.grad is not None
    assert torch.isfinite(images.grad).all()
    assert float(images.grad.abs().max()) < 1e-6
