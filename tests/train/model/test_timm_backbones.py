"""Image towers of timm: weights from each kind of file, preprocessing, and a run up to a bundle."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch
from torch import Tensor

from photoseek.errors import MissingExtra
from photoseek_train.config import AugmentConfig, ModelInit, OptimConfig
from photoseek_train.errors import SettingsError, TowerError
from photoseek_train.model.towers import ImageTower
from photoseek_train.training.fit import FitSettings, preprocessing_for

NAME = "timm:test_efficientnet"
LITE = "timm:tf_efficientnet_lite0"
PIXELS = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def features(tower: ImageTower) -> Tensor:
    with torch.inference_mode():
        return tower.eval()(PIXELS)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_of_timm_is_loaded_without_its_classifier(tmp_path: Path, suffix: str) -> None:
    model = timm.create_model("test_efficientnet", num_classes=7).eval()
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(model.state_dict(), path)
    else:
        safetensors.torch.save_file(model.state_dict(), path)
    tower = ImageTower.from_pretrained(str(path), NAME)
    with torch.inference_mode():
        expected = model.forward_head(model.forward_features(PIXELS), pre_logits=True)
    assert torch.equal(features(tower), expected)
    assert tower.features == expected.shape[1]


def test_a_file_of_efficientnet_lite_pytorch_is_loaded_under_its_own_names(tmp_path: Path) -> None:
    model = timm.create_model("tf_efficientnet_lite0").eval()
    counters = {key for key in model.state_dict() if key.endswith("num_batches_tracked")}
    file = {key: tensor for key, tensor in model.state_dict().items() if key not in counters}
    assert [their_name(key) for key in file][5:7] == ["_blocks.0._depthwise_conv.weight", "_blocks.0._bn1.weight"]
    path = tmp_path / "efficientnet-lite0.pth"
    torch.save({their_name(key): tensor for key, tensor in file.items()}, path)
    tower = ImageTower.from_pretrained(str(path), LITE)
    with torch.inference_mode():
        expected = model.forward_head(model.forward_features(PIXELS), pre_logits=True)
    assert torch.equal(features(tower), expected)


def their_name(key: str) -> str:
    """Return the name that efficientnet_lite_pytorch gives a weight of timm's Lite0, with 1 to 4 blocks a stage."""
    first_block = (0, 1, 3, 5, 8, 11, 15)
    parts = key.split(".")
    if parts[0] == "blocks":
        number = first_block[int(parts[1])] + int(parts[2])
        names = {"conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1"}
        names |= {"conv_pwl": "_project_conv", "bn3": "_bn2"}
        if number == 0:
            names = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
        return f"_blocks.{number}.{names[parts[3]]}.{parts[4]}"
    names = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"}
    return f"{names[parts[0]]}.{parts[1]}"


def test_the_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"_conv_stem.weight": torch.zeros(1), "_bn0.weight": torch.zeros(1)}, path)
    with pytest.raises(TowerError, match=r"the weights of timm's tf_efficientnet_lite0: .*Missing key.*conv_stem"):
        ImageTower.from_pretrained(str(path), LITE)
    torch.save(timm.create_model("test_resnet").state_dict(), path)
    with pytest.raises(TowerError, match=r"test_efficientnet: .*; pass these weights, or the --image-model"):
        ImageTower.from_pretrained(str(path), NAME)
    path.with_suffix(".safetensors").write_bytes(b"not weights")
    with pytest.raises(TowerError, match="expected a state dict, found another file"):
        ImageTower.from_pretrained(str(path.with_suffix(".safetensors")), NAME)


@pytest.mark.parametrize("name", ["test_vit", "test_convnext", "test_resnet", "test_byobnet", "test_maxvit"])
def test_each_family_returns_one_vector_per_photo(name: str) -> None:
    tower = ImageTower(f"timm:{name}").eval()
    size = timm.models.get_pretrained_cfg(name).input_size[-1]
    assert tower(torch.zeros(2, 3, size, size)).shape == (2, tower.features)


def test_unknown_models_are_refused_with_similar_names() -> None:
    with pytest.raises(SettingsError, match=r"found 'tf_eficientnet_lite0'; did you mean tf_efficientnet_lite0 or"):
        ImageTower("timm:tf_eficientnet_lite0")
    with pytest.raises(SettingsError, match="or timm:NAME, found 'tf_efficientnet_lite0'"):
        ImageTower("tf_efficientnet_lite0")


def test_without_a_network_the_repository_of_the_weights_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("timm.models._builder.load_pretrained", fail)
    with pytest.raises(TowerError, match=r"no route to host; .*download timm/test_efficientnet\.r160_in1k elsewhere"):
        ImageTower.from_pretrained("imagenet", NAME)


def test_without_timm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingExtra, match=r"pip install 'photoseek\[timm\]'"):
        ImageTower(NAME)


def test_preprocessing_is_that_of_the_model() -> None:
    lite = preprocessing_for(None, LITE, None, None)
    assert (lite.mean, lite.std, lite.resample, lite.width, lite.shortest_edge) == ((0.5,) * 3, (0.5,) * 3, 3, 224, 256)
    squashed = preprocessing_for(None, LITE, 128, "squash")
    assert (squashed.mean, squashed.resample, squashed.width, squashed.shortest_edge) == ((0.5,) * 3, 3, 128, None)
    assert preprocessing_for(None, "resnet18", 128, None).mean == (0.485, 0.456, 0.406)


def test_a_vision_transformer_refuses_photos_of_another_size() -> None:
    tower = ImageTower("timm:test_vit")
    tower.check_sizes(160)
    with pytest.raises(SettingsError, match="timm:test_vit takes photos of 160 pixels only, found 96"):
        tower.check_sizes(160, 96)
    ImageTower(NAME).check_sizes(96, 160)


def test_the_sizes_of_training_are_checked() -> None:
    augment = AugmentConfig(size=128, first_size=96)
    sources = ModelInit("bert", image_model="timm:test_vit")
    settings = FitSettings(sources, preprocessing_for(None, "timm:test_vit", None, None), augment, OptimConfig())
    assert settings.image_sizes == {160, 128, 96}


@pytest.mark.parametrize(
    ("name", "count", "last", "next_"),
    [
        ("resnet18", 5, "layer1.1.bn2.bias", "layer2.0.conv1.weight"),
        (LITE, 8, "blocks.0.0.bn2.bias", "blocks.1.0.conv_pw.weight"),
        ("timm:test_resnet", 5, "layer1.0.bn2.bias", "layer2.0.conv1.weight"),
        ("timm:test_vit", 7, "blocks.0.mlp.fc2.bias", "blocks.1.norm1.weight"),
    ],
)
def test_stages_are_frozen_from_the_stem(name: str, count: int, last: str, next_: str) -> None:
    tower = ImageTower(name)
    tower.freeze_stages(2)
    names = [[key for key, value in tower.backbone.named_parameters() if value.requires_grad == on] for on in (0, 1)]
    assert (names[0][-1], names[1][0]) == (last, next_)
    with pytest.raises(SettingsError, match=f"at most {count - 1}, because {name} has {count} stages, found {count}"):
        tower.freeze_stages(count)


def test_stages_that_timm_does_not_group_are_not_frozen() -> None:
    tower = ImageTower(NAME)
    tower.backbone = torch.nn.Identity()
    with pytest.raises(SettingsError, match="timm does not group the layers of Identity"):
        tower.freeze_stages(1)
