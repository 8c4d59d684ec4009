"""The text tower and the image tower."""

from __future__ import annotations

import hashlib
from itertools import chain

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from photoseek_train.config import POOLINGS, TIMM
from photoseek_train.errors import SettingsError
from photoseek_train.model.pretrained import load_text_model
from photoseek_train.model.resnet import build_resnet, load_resnet_weights, resnet_stages
from photoseek_train.model.timm_backbones import build_timm_model, fixed_size, load_timm_weights, timm_stages


class TextTower(nn.Module):
    """A BERT that pools its last hidden states into one vector per caption."""

    def __init__(self, bert: PreTrainedModel, pooling: str = "mean") -> None:
        super().__init__()
        if pooling not in POOLINGS:
            raise SettingsError(f"pooling: expected one of {', '.join(POOLINGS)}, found {pooling!r}")
        self.bert = bert
        self.pooling = pooling

    @classmethod
    def from_pretrained(cls, source: str, pooling: str = "mean", attention: str = "sdpa") -> TextTower:
        """Load a local folder, or a model by name; see ``load_text_model``."""
        return cls(load_text_model(source, attention), pooling)

    @property
    def features(self) -> int:
        """Dimension of the features."""
        return int(self.bert.config.hidden_size)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Encode tokens, both int64 (n, length) -> (n, features)."""
        states = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        if self.pooling == "cls":
            first: Tensor = states[:, 0]
            return first
        return mean_pooling(states, attention_mask)


class ImageTower(nn.Module):
    """A ResNet of torchvision, or a model of timm, without its classifier.

    Attributes:
        architecture: torchvision's name of the ResNet, or ``timm:`` and timm's name of the model.
        features: Dimension of the features, such as 512 for resnet18.
    """

    def __init__(self, architecture: str = "resnet18") -> None:
        super().__init__()
        self.architecture = architecture
        build = build_timm_model if architecture.startswith(TIMM) else build_resnet
        self.backbone, self.features = build(architecture)
        self._fixed_size = fixed_size(architecture) if architecture.startswith(TIMM) else None

    @classmethod
    def from_pretrained(cls, source: str, architecture: str = "resnet18") -> ImageTower:
        """Build a tower with the weights of ``source``: ``imagenet``, a file, or ``none`` for random ones."""
        tower = cls(architecture)
        if source != "none":
            load = load_timm_weights if architecture.startswith(TIMM) else load_resnet_weights
            load(tower.backbone, architecture, source)
        return tower

    def freeze_stages(self, count: int) -> None:
        """Freeze the parameters of the first stages: the stem, then the stages as torchvision or timm groups them.

        Raises:
            SettingsError: The model has fewer stages.
        """
        stages = (timm_stages if self.architecture.startswith(TIMM) else resnet_stages)(self.backbone)
        if count >= len(stages):
            raise SettingsError(
                f"frozen_stages: expected at most {len(stages) - 1}, because {self.architecture} has {len(stages)} "
                f"stages, found {count}"
            )
        for parameter in chain.from_iterable(stages[:count]):
            parameter.requires_grad_(False)

    def check_sizes(self, *sizes: int) -> None:
        """Check that the model takes photos of these sides, in pixels, as vision transformers take only one.

        Raises:
            SettingsError: It does not.
        """
        for size in sizes:
            if self._fixed_size not in (None, size):
                raise SettingsError(
                    f"image_size: {self.architecture} takes photos of {self._fixed_size} pixels only, found {size}"
                )

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Encode photos, float32 (n, 3, height, width) -> (n, features)."""
        pooled: Tensor = self.backbone(pixel_values)
        return pooled


def mean_pooling(states: Tensor, attention_mask: Tensor) -> Tensor:
    """Return the mean of the unmasked token states, (n, length, d) and (n, length) -> (n, d).

    Sentence-BERT (Reimers and Gurevych 2019), section 3; mirrors sentence-transformers' ``Pooling``.
    """
    mask = attention_mask.unsqueeze(-1).to(states.dtype)
    return (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1e-9)


def weights_sha256(module: nn.Module) -> str:
    """Return the SHA-256 over names, shapes and values of a module's parameters and buffers."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
