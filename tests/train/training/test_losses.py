"""InfoNCE and the triplet loss against cases worked by hand, and against loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from photoseek_train.data.cutmix import target_weights
from photoseek_train.model.two_tower import l2_normalize
from photoseek_train.training.losses import info_nce, triplet


def same(ids: list[int]) -> torch.Tensor:
    """Return the target weights: row i matches column j if both have the same photo."""
    return target_weights(np.array(ids), np.array(ids))


def looped(images: torch.Tensor, texts: torch.Tensor, scale: float, right: torch.Tensor) -> float:
    """Return the mean, over photos and captions, of the cross-entropies of positives against the negatives."""
    logits = (scale * images @ texts.T).tolist()

    def cross_entropy(scores: list[float], shares: list[float]) -> float:
        wrong = sum(math.exp(score) for score, share in zip(scores, shares, strict=True) if share == 0)
        costs = (math.log(math.exp(score) + wrong) - score for score in scores)
        return sum(share * cost for share, cost in zip(shares, costs, strict=True)) / sum(shares)

    by_photo = [cross_entropy(row, shares) for row, shares in zip(logits, right.tolist(), strict=True)]
    columns = zip(*logits, strict=True)
    by_caption = [cross_entropy(list(c), shares) for c, shares in zip(columns, right.T.tolist(), strict=True)]
    return (sum(by_photo) / len(by_photo) + sum(by_caption) / len(by_caption)) / 2


def test_two_orthogonal_pairs_worked_by_hand() -> None:
    """Each row sees logits (2, 0): the loss is -ln(e^2 / (e^2 + 1))."""
    rows = torch.eye(2)
    loss = info_nce(rows, rows, torch.tensor(2.0), same([0, 1]))
    assert float(loss) == pytest.approx(math.log1p(math.exp(-2.0)))


def test_equal_vectors_give_the_logarithm_of_the_batch_size() -> None:
    rows = torch.ones(5, 4) / 2
    loss = info_nce(rows, rows, torch.tensor(7.0), same([0, 1, 2, 3, 4]))
    assert float(loss) == pytest.approx(math.log(5))


def test_one_caption_per_photo_gives_the_cross_entropy_of_clip() -> None:
    """CLIP's loss: cross_entropy of the logits along both axes."""
    images, texts = (l2_normalize(torch.randn(6, 8, generator=torch.Generator().manual_seed(seed))) for seed in (3, 4))
    logits, target = 5.0 * images @ texts.T, torch.arange(6)
    clip = sum(torch.nn.functional.cross_entropy(rows, target) for rows in (logits, logits.T)) / 2
    torch.testing.assert_close(info_nce(images, texts, torch.tensor(5.0), same([5, 4, 3, 2, 1, 0])), clip)


@pytest.mark.parametrize("ids", [[0, 1, 2, 3, 4, 5], [0, 0, 1, 2, 2, 2], [3, 1, 3, 1, 3, 1]])
def test_equals_a_loop_that_skips_other_captions_of_the_photo(ids: list[int]) -> None:
    generator = torch.Generator().manual_seed(1)
    images, texts = (l2_normalize(torch.randn(6, 8, generator=generator)) for _ in range(2))
    loss = info_nce(images, texts, torch.tensor(5.0), same(ids))
    assert float(loss) == pytest.approx(looped(images, texts, 5.0, same(ids)), abs=1e-6)


def test_photos_and_captions_may_differ_in_number() -> None:
    """Two photos with three captions each, and a patch of the second in a quarter of the first."""
    generator = torch.Generator().manual_seed(1)
    images, texts = (l2_normalize(torch.randn(n, 8, generator=generator)) for n in (3, 6))
    right = torch.tensor([[0.75] * 3 + [0.25] * 2 + [0.0], [0.0] * 3 + [1.0] * 2 + [0.0], [0.0] * 5 + [1.0]])
    loss = info_nce(images, texts, torch.tensor(5.0), right)
    assert float(loss) == pytest.approx(looped(images, texts, 5.0, right), abs=1e-6)


def test_captions_of_one_photo_are_not_negatives_of_each_other() -> None:
    """A batch of one photo has no negatives, so no loss and no gradient."""
    images = l2_normalize(torch.randn(3, 4)).requires_grad_()
    loss = info_nce(images, l2_normalize(torch.randn(3, 4)), torch.tensor(9.0), same([8, 8, 8]))
    torch.autograd.backward(loss)
    assert float(loss.detach()) == pytest.approx(0.0, abs=1e-6)
    assert images.grad is not None
    assert torch.isfinite(images.grad).all()
    assert float(images.grad.abs().max()) < 1e-6


def looped_triplet(images: torch.Tensor, texts: torch.Tensor, ids: list[int], margin: float, hardest: bool) -> float:
    total = 0.0
    for i in range(len(ids)):
        positive, wrong = float(images[i] @ texts[i]), [j for j in range(len(ids)) if ids[j] != ids[i]]
        for hinges in (
            [max(0.0, margin - positive + float(images[i] @ texts[j])) for j in wrong],
            [max(0.0, margin - positive + float(images[j] @ texts[i])) for j in wrong],
        ):
            total += (max(hinges) if hardest else sum(hinges)) if hinges else 0.0
    return total / len(ids)


def test_three_pairs_of_the_triplet_loss_worked_by_hand() -> None:
    """Positive scores 0.8, 0.6 and 0; margin 0.2. No caption violates photo 0, caption 0 violates 1, both violate 2."""
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
    images, texts = (l2_normalize(torch.randn(6, 8, generator=generator)) for _ in range(2))
    loss = triplet(images, texts, torch.tensor(ids), 0.2, hardest)
    assert float(loss) == pytest.approx(looped_triplet(images, texts, ids, 0.2, hardest), abs=1e-6)
