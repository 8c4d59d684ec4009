"""InfoNCE and the triplet loss against cases worked by hand, and against loops."""

from __future__ import annotations

import math

import pytest
import torch

from photoseek_train.losses import info_nce, triplet
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


def looped_triplet(images: torch.Tensor, texts: torch.Tensor, ids: list[int], margin: float, hardest: bool) -> float:
    total = 0.0
    for i in range(len(ids)):
        own, wrong = float(images[i] @ texts[i]), [j for j in range(len(ids)) if ids[j] != ids[i]]
        for hinges in (
            [max(0.0, margin - own + float(images[i] @ texts[j])) for j in wrong],
            [max(0.0, margin - own + float(images[j] @ texts[i])) for j in wrong],
        ):
            total += (max(hinges) if hardest else sum(hinges)) if hinges else 0.0
    return total / len(ids)


def test_three_pairs_of_the_triplet_loss_worked_by_hand() -> None:
    """Own scores 0.8, 0.6 and 0; margin 0.2. Photo 0 is fooled by no caption, photo 1 by caption 0, photo 2 by both."""
    images = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    texts = torch.tensor([[0.8, 0.6], [0.8, 0.6], [-0.8, 0.6]])
    # scores: photo 0 [.8 .8 -.8], photo 1 [.6 .6 .6], photo 2 [.96 .96 0]
    by_photo = [[0.2, 0.0], [0.2, 0.2], [1.16, 1.16]]  # hinges against the other two captions
    by_caption = [[0.0, 0.36], [0.4, 0.56], [0.0, 0.8]]  # hinges against the other two photos
    summed = sum(map(sum, by_photo + by_caption)) / 3
    hardest = sum(map(max, by_photo + by_caption)) / 3
    ids = torch.arange(3)
    assert float(triplet(images, texts, ids, 0.2, hardest=False)) == pytest.approx(summed)
    assert float(triplet(images, texts, ids, 0.2, hardest=True)) == pytest.approx(hardest)


@pytest.mark.parametrize("hardest", [False, True])
@pytest.mark.parametrize("ids", [[0, 1, 2, 3, 4, 5], [0, 0, 1, 2, 2, 2], [7, 7, 7, 7, 7, 7]])
def test_triplet_equals_a_loop_that_skips_other_captions_of_the_photo(ids: list[int], hardest: bool) -> None:
    generator = torch.Generator().manual_seed(2)
    images, texts = (unit(torch.randn(6, 8, generator=generator)) for _ in range(2))
    loss = triplet(images, texts, torch.tensor(ids), 0.2, hardest)
    assert float(loss) == pytest.approx(looped_triplet(images, texts, ids, 0.2, hardest), abs=1e-6)
