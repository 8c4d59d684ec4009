"""A batch has the features that the towers compute for each photo and caption separately."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from photoseek_train.config import ModelInit
from photoseek_train.data.tokens import Tokens
from photoseek_train.features.inputs import CachedViews, MaskedCaptions, TokenizedCaptions
from photoseek_train.model.init import build_model
from photoseek_train.model.two_tower import TwoTower


def test_captions_embedded_by_length_are_returned_in_order(bert: Path, resnet: Path) -> None:
    """More than fit in one pass on a CPU, of lengths from one word to the longest that the tower reads."""
    built = build_model(ModelInit(str(bert), str(resnet), max_tokens=24), seed=0)
    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(["red", "green", "blue", "beside"], size=rng.integers(1, 21))) for _ in range(150)]
    tokens = Tokens(texts, built.tokenizer, 24)
    with torch.inference_mode():
        together = TokenizedCaptions(tokens).embed(built.model.eval(), tokens.batch(range(150)))
        alone = torch.cat([built.model.embed_text(*tokens.batch([row])) for row in range(150)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_masking_hides_words_and_no_special_tokens(bert: Path, resnet: Path) -> None:
    tokenizer = build_model(ModelInit(str(bert), str(resnet), max_tokens=24), seed=0).tokenizer
    tokens = Tokens(["red beside green", "blue"] * 500, tokenizer, 24)
    texts, rows = MaskedCaptions(tokens, 0.25, seed=7), [np.arange(1000)]
    ((ids, mask),) = texts.stream(rows, epoch=1)
    plain, plain_mask = tokens.batch(rows[0])
    hidden = ids == tokenizer.mask_token_id
    assert torch.equal(mask, plain_mask)
    assert torch.equal(ids[~hidden], plain[~hidden])
    words = (plain_mask == 1) & (plain != tokenizer.cls_token_id) & (plain != tokenizer.sep_token_id)
    assert not (hidden & ~words).any()
    assert 0.2 < hidden.sum() / words.sum() < 0.3
    assert torch.equal(next(texts.stream(rows, epoch=1))[0], ids)
    assert not torch.equal(next(texts.stream(rows, epoch=2))[0], ids)


def test_a_step_uses_one_view_of_each_photo() -> None:
    features = torch.arange(3)[:, None, None] * 100 + torch.arange(50)[None, :, None].float()  # view * 100 + photo
    views = CachedViews(features, TwoTower.project_image, seed=0)
    assert len(views) == 50
    rows = [np.arange(50), np.arange(49, -1, -1)]
    first, second = views.stream(rows, epoch=1)
    assert torch.equal(first[:, 0] % 100, torch.arange(50.0))
    assert torch.equal(second[:, 0] % 100, torch.arange(49.0, -1, -1))
    assert len(torch.unique(first // 100)) == 3
    assert torch.equal(next(views.stream(rows, epoch=1)), first)
    assert not torch.equal(next(views.stream(rows, epoch=2)), first)
