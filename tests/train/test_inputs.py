"""What a batch is made of is what the towers would make of each photo and caption alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from photoseek_train.inputs import LiveTexts
from photoseek_train.sources import TowerSources, build_model
from photoseek_train.tokens import Tokens


def test_captions_embedded_by_length_come_back_in_their_order(bert: Path, resnet: Path) -> None:
    """More than fit in one pass on a CPU, of lengths from one word to the longest that the tower reads."""
    built = build_model(TowerSources(str(bert), str(resnet), max_tokens=24), seed=0)
    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(["red", "green", "blue", "beside"], size=rng.integers(1, 21))) for _ in range(150)]
    tokens = Tokens(texts, built.tokenizer, 24)
    with torch.inference_mode():
        together = LiveTexts(tokens).embed(built.model.eval(), tokens.batch(range(150)))
        alone = torch.cat([built.model.embed_text(*tokens.batch([row])) for row in range(150)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
