"""The models of timm as image towers, and their weights."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from photoseek.errors import MissingExtra
from photoseek.photos.preprocessing import RGB, Preprocessing
from photoseek_train.config import TIMM, preprocessing_of
from photoseek_train.errors import SettingsError, TowerError, describe_error
from photoseek_train.model.weight_files import COUNTER, Weights, load_weights, read_state_dict

if TYPE_CHECKING:
    from timm.models import PretrainedCfg

_FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
"""Pillow's codes of the filters that timm names."""


def build_timm_model(name: str) -> tuple[nn.Module, int]:
    """Return a model with random weights and without its classifier, and the width of its features.

    Args:
        name: ``timm:`` and timm's name of the model.

    Raises:
        SettingsError: timm has no such model, or it does not return one vector per photo.
        MissingExtra: timm is not installed.
    """
    size = _pretrained_cfg(name).input_size
    try:
        model = _timm().create_model(name.removeprefix(TIMM), pretrained=False, num_classes=0)
        with torch.inference_mode():
            found = model.eval()(torch.zeros(1, *size)).shape
    except Exception as error:  # models without a classifier raise many types
        raise SettingsError(
            f"image_model: {name} cannot be used without its classifier: {describe_error(error)}"
        ) from error
    if len(found) != 2:
        raise SettingsError(f"image_model: expected a model with one vector per photo, found {name}: {tuple(found)}")
    return model.train(), int(found[1])


def load_timm_weights(model: nn.Module, name: str, source: str) -> None:
    """Replace the weights of a model.

    Args:
        model: A model that ``build_timm_model`` returned.
        name: ``timm:`` and timm's name of the model.
        source: ``imagenet`` (timm's pretrained weights of this name, downloaded once from the Hugging Face Hub), or
            the path of a state dict (``.safetensors``, ``.pth``): timm's, or for EfficientNets that of
            ``efficientnet_pytorch`` or ``efficientnet_lite_pytorch``.

    Raises:
        TowerError: The file does not exist or is not a state dict of this model, or there is no network.
    """
    weights = _pretrained(name) if source == "imagenet" else read_state_dict(source)
    expected = model.state_dict()
    if "_conv_stem.weight" in weights:
        weights = _renamed(weights, expected)
    classifiers = tuple(f"{each}." for each in _as_tuple(_pretrained_cfg(name).classifier))
    weights = {key: tensor for key, tensor in weights.items() if key in expected or not key.startswith(classifiers)}
    load_weights(model, weights, source, f"timm's {name.removeprefix(TIMM)}")


def timm_stages(model: nn.Module) -> list[list[nn.Parameter]]:
    """Return the parameters of the stem and of each stage of a model that ``build_timm_model`` returned.

    Raises:
        SettingsError: timm does not group the layers of this model.
    """
    if not hasattr(model, "group_matcher"):
        raise SettingsError(f"frozen_stages: timm does not group the layers of {type(model).__name__}; use 0")
    matcher = cast(Any, model).group_matcher(coarse=True)
    parameters = dict(model.named_parameters())
    groups: Mapping[object, list[str]] = _timm().models.group_parameters(model, matcher)
    return [[parameters[name] for name in names] for names in groups.values()]


def timm_preprocessing(name: str) -> Preprocessing:
    """Return the preprocessing that a model was trained with: size, crop, filter, mean and deviation."""
    cfg = _pretrained_cfg(name)
    size = int(cfg.input_size[-1])
    known = Preprocessing(
        mean=_rgb(cfg.mean), std=_rgb(cfg.std), resample=_FILTERS.get(cfg.interpolation, _FILTERS["bicubic"])
    )
    return preprocessing_of(size, "crop", known)


def fixed_size(name: str) -> int | None:
    """Return the only side of photos that a model takes, in pixels; None if it takes any."""
    cfg = _pretrained_cfg(name)
    return int(cfg.input_size[-1]) if cfg.fixed_input_size else None


def _renamed(weights: Weights, expected: Weights) -> Weights:
    """Return the weights of ``efficientnet_pytorch`` or ``efficientnet_lite_pytorch`` under timm's names.

    Both register the layers in the order in which a photo passes them, which a file keeps.
    """
    names = [name for name in expected if not name.endswith(COUNTER)]
    tensors = [(key, tensor) for key, tensor in weights.items() if not key.endswith(COUNTER)]
    tensors = [(key, tensor) for key, tensor in tensors if not key.startswith("_fc.")]
    kinds = [[key.rpartition(".")[2] for key in keys] for keys in (names, [key for key, _ in tensors])]
    if kinds[0] != kinds[1]:
        return weights  # of another model; the error names the first keys
    return {name: tensor for name, (_, tensor) in zip(names, tensors, strict=True)}


def _pretrained(name: str) -> Weights:
    try:
        model = _timm().create_model(name.removeprefix(TIMM), pretrained=True, num_classes=0)
    except Exception as error:  # OSError of the hub, RuntimeError of a model without weights, ...
        raise TowerError(
            f"timm's weights of {name.removeprefix(TIMM)} cannot be downloaded: {describe_error(error)}; without a "
            f"network, download {_pretrained_cfg(name).hf_hub_id or 'them'} elsewhere, and pass --image-weights FILE"
        ) from error
    return dict(model.state_dict())


def _pretrained_cfg(name: str) -> PretrainedCfg:
    timm = _timm()
    wanted = name.removeprefix(TIMM)
    cfg: PretrainedCfg | None = timm.models.get_pretrained_cfg(wanted) if timm.is_model(wanted) else None
    if cfg is None:
        close = difflib.get_close_matches(wanted, timm.list_models(), n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "timm.list_models() lists them"
        raise SettingsError(f"image_model: expected a model of timm {timm.__version__}, found {wanted!r}; {hint}")
    return cfg


def _timm() -> Any:
    try:
        import timm
    except ImportError as error:
        raise MissingExtra("models of timm need timm; install it with: pip install 'photoseek[timm]'") from error
    return timm


def _as_tuple(names: str | Sequence[str] | None) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names or ())


def _rgb(values: Sequence[float]) -> RGB:
    red, green, blue = map(float, values)
    return red, green, blue
