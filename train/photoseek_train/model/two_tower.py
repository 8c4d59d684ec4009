"""The two-tower model: towers, projectors and temperature."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from photoseek_train.config import ModelConfig
from photoseek_train.model.pretrained import build_text_model
from photoseek_train.model.towers import ImageTower, TextTower


class Projector(nn.Module):
    """Dropout, Linear -> GELU -> Linear, a residual around the second, dropout, LayerNorm.

    ``h = W1 dropout(x) + b1;  y = LayerNorm(h + dropout(W2 gelu(h) + b2))``: the projection head of Keras's example
    "Natural language image search with a Dual Encoder" (K. Salama, 2021), with one block. Dropout of the features is
    added: without it, the residual path ``W1 x`` is linear, unregularized, and learns a few thousand photos by heart.
    """

    def __init__(self, d_in: int, dim: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        self.first = nn.Linear(d_in, dim)
        self.second = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(dim)

    def forward(self, features: Tensor) -> Tensor:
        """Project features, (n, d_in) -> (n, dim); not normalized."""
        hidden = self.first(self.dropout(features))
        update = self.second(torch.nn.functional.gelu(hidden))
        projected: Tensor = self.norm(hidden + self.dropout(update))
        return projected


INITIAL_LOGIT_SCALE = math.log(1 / 0.07)
MAX_LOGIT_SCALE = math.log(100.0)


class TwoTower(nn.Module):
    """A model that maps captions and photos to a shared vector space.

    ``embed_*`` methods take tokens and pixels, ``project_*`` methods take features of a tower; both return (n, dim),
    not normalized. ``encode_*`` methods return unit vectors.

    ``logit_scale`` is the logarithm of the inverse temperature; it is learned from ln(1/0.07) and clamped to ln(100):
    Radford et al. 2021 (CLIP, arXiv:2103.00020), section 2.5.
    """

    def __init__(self, text_tower: TextTower, image_tower: ImageTower, dim: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        self.text_tower = text_tower
        self.image_tower = image_tower
        self.text_projector = Projector(text_tower.features, dim, dropout)
        self.image_projector = Projector(image_tower.features, dim, dropout)
        self.logit_scale = nn.Parameter(torch.tensor(INITIAL_LOGIT_SCALE))

    @classmethod
    def from_config(cls, config: ModelConfig, attention: str = "sdpa") -> TwoTower:
        """Build a model with random weights; needs no network."""
        bert = build_text_model(config.text_architecture, attention)
        return cls(TextTower(bert, config.pooling), ImageTower(config.image_model), config.dim, config.dropout)

    @property
    def dim(self) -> int:
        """Dimension of the vectors."""
        return self.text_projector.second.out_features

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        return self.logit_scale.device

    @property
    def inverse_temperature(self) -> Tensor:
        """The inverse temperature, a scalar of at most 100."""
        return self.logit_scale.exp()

    def set_dropout(self, share: float) -> None:
        """Set the dropout rate of the projectors."""
        self.text_projector.dropout.p = self.image_projector.dropout.p = share

    def set_inverse_temperature(self, scale: float) -> None:
        """Set the inverse temperature, more than 0 and clamped to 100."""
        with torch.no_grad():
            self.logit_scale.fill_(math.log(scale))
        self.clamp_logit_scale()

    def clamp_logit_scale(self) -> None:
        """Clamp the temperature. Call this after each optimizer step."""
        with torch.no_grad():
            self.logit_scale.clamp_(max=MAX_LOGIT_SCALE)

    def project_text(self, features: Tensor) -> Tensor:
        """Project features of the text tower, (n, d_text) -> (n, dim)."""
        projected: Tensor = self.text_projector(features)
        return projected

    def project_image(self, features: Tensor) -> Tensor:
        """Project features of the image tower, (n, d_image) -> (n, dim)."""
        projected: Tensor = self.image_projector(features)
        return projected

    def embed_text(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Embed tokens, both int64 (n, length) -> (n, dim)."""
        return self.project_text(self.text_tower(input_ids, attention_mask))

    def embed_image(self, pixel_values: Tensor) -> Tensor:
        """Embed photos, float32 (n, 3, height, width) -> (n, dim)."""
        return self.project_image(self.image_tower(pixel_values))

    def encode_text(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Encode tokens as unit vectors, (n, dim)."""
        return l2_normalize(self.embed_text(input_ids, attention_mask))

    def encode_image(self, pixel_values: Tensor) -> Tensor:
        """Encode photos as unit vectors, (n, dim)."""
        return l2_normalize(self.embed_image(pixel_values))


def l2_normalize(rows: Tensor) -> Tensor:
    """Scale each row to unit length, (n, dim), in float32."""
    return torch.nn.functional.normalize(rows.float(), dim=-1)
