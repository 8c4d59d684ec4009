"""A frozen image tower optimized for inference; its features equal the tower's up to rounding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from photoseek.photos.preprocessing import Preprocessing
from photoseek_train.features.cache import Features
from photoseek_train.model.towers import ImageTower

UInt8Images = npt.NDArray[np.uint8]
"""Cropped photos, (n, height, width, 3)."""

_CONVOLUTION_AND_NORM = (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"), ("0", "1"))
"""Names of consecutive layers in torchvision's ResNets; 0 and 1 are those of a downsampling shortcut."""


class FrozenImageTower:
    """A copy of an image tower with folded batch norms and channels-last memory format that normalizes on the device.

    Thread-safe.
    """

    def __init__(self, tower: ImageTower, preprocessing: Preprocessing, bf16: bool = False) -> None:
        self.device: torch.device = next(tower.parameters()).device
        self.preprocessing = preprocessing
        self.dtype: torch.dtype = torch.bfloat16 if bf16 else torch.float32
        folded = fold_batch_norms(tower.backbone).requires_grad_(False)
        self._backbone = folded.to(dtype=self.dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, pictures: UInt8Images) -> Features:
        """Return the features of photos, (n, width of the tower)."""
        with torch.inference_mode():
            return self._features(self._pixels(torch.from_numpy(pictures)))

    def encode_pixels(self, pixels: npt.NDArray[np.float32]) -> Features:
        """Return the features of preprocessed photos, float32 (n, 3, height, width)."""
        with torch.inference_mode():
            return self._features(torch.from_numpy(pixels).to(self.device, memory_format=torch.channels_last))

    def _features(self, pixels: Tensor) -> Features:
        with disable_tf32():
            features: Tensor = self._backbone(pixels.to(self.dtype))
            return features.float().cpu().numpy()

    def _pixels(self, pictures: Tensor) -> Tensor:
        """Normalize like ``Preprocessing.__call__``, but on the device: uint8 is a quarter of the transfer."""
        how = self.preprocessing
        if self.device.type == "cuda":
            pictures = pictures.pin_memory()
        std, mean = (torch.tensor(values, device=self.device).view(3, 1, 1) for values in (how.std, how.mean))
        pixels = pictures.to(self.device, non_blocking=True).permute(0, 3, 1, 2).float()  # channels-last in memory
        return pixels.mul_(how.rescale_factor / std).sub_(mean / std)


def fold_batch_norms(backbone: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode in which each batch norm is folded into the convolution before it.

    Batch norms of timm are not folded, because they include the activation.
    """
    folded = deepcopy(backbone).eval()
    for module in list(folded.modules()):
        children = dict(module.named_children())
        for first, second in _CONVOLUTION_AND_NORM:
            convolution, norm = children.get(first), children.get(second)
            if isinstance(convolution, nn.Conv2d) and type(norm) is nn.BatchNorm2d:
                setattr(module, first, fuse_conv_bn_eval(convolution, norm))
                setattr(module, second, nn.Identity())
    return folded


@contextmanager
def disable_tf32() -> Iterator[None]:
    """Disable TF32 in cuDNN, which rounds float32 to 10 bits of mantissa by default."""
    cudnn = torch.backends.cudnn
    with cudnn.flags(enabled=cudnn.enabled, benchmark=cudnn.benchmark, allow_tf32=False):
        yield
