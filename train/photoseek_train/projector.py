"""From a tower's features to the space that both towers share."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Projector(nn.Module):
    """Linear -> GELU -> Linear, a residual around the second, dropout, LayerNorm.

    ``h = W1 x + b1;  y = LayerNorm(h + dropout(W2 gelu(h) + b2))``: the projection head of Keras's example
    "Natural language image search with a Dual Encoder" (K. Salama, 2021), with one block.
    """

    def __init__(self, d_in: int, dim: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        self.first = nn.Linear(d_in, dim)
        self.second = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(dim)

    def forward(self, features: Tensor) -> Tensor:
        """Project features, (n, d_in) -> (n, dim); not of unit length."""
        hidden = self.first(features)
        update = self.second(torch.nn.functional.gelu(hidden))
        projected: Tensor = self.norm(hidden + self.dropout(update))
        return projected
