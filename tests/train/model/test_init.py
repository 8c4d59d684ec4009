"""Initialization: weights, folders and names, and their errors."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision

from photoseek_train.errors import SettingsError, TowerError
from photoseek_train.model.pretrained import load_text_model, load_tokenizer
from photoseek_train.model.resnet import resnet_names
from photoseek_train.model.towers import ImageTower


def test_a_state_dict_is_loaded_without_its_classifier(resnet: Path) -> None:
    tower = ImageTower.from_pretrained(str(resnet))
    saved = torch.load(resnet, weights_only=True)
    assert torch.equal(tower.backbone.conv1.weight, saved["conv1.weight"])
    assert tower(torch.zeros(2, 3, 32, 32)).shape == (2, 512)


@pytest.mark.parametrize(
    ("name", "width"), [("resnet34", 512), ("resnet50", 2048), ("resnext50_32x4d", 2048), ("wide_resnet50_2", 2048)]
)
def test_each_resnet_has_the_width_of_its_last_feature_map(name: str, width: int) -> None:
    with torch.device("meta"):
        tower = ImageTower(name)
        assert tower.features == width
        assert tower(torch.zeros(2, 3, 64, 64)).shape == (2, width)


def test_the_resnets_are_those_of_torchvisions_module() -> None:
    """Not the quantized ones, and no other family."""
    builders = vars(torchvision.models.resnet)["__all__"]
    assert sorted(resnet_names()) == sorted(name for name in builders if name.islower())


def test_another_family_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"image_model: expected one of resnet101, .*, found 'vgg16'"):
        ImageTower("vgg16")


def test_another_resnet_loads_its_weights(tmp_path: Path) -> None:
    path = tmp_path / "resnet34.pth"
    state = {name: tensor for name, tensor in torchvision.models.resnet34().state_dict().items() if "num_b" not in name}
    torch.save(state, path)  # as old releases of torchvision wrote it
    tower = ImageTower.from_pretrained(str(path), "resnet34")
    assert torch.equal(tower.backbone.layer3[5].conv2.weight, state["layer3.5.conv2.weight"])


def test_the_weights_of_another_resnet_are_refused(resnet: Path) -> None:
    with pytest.raises(
        TowerError,
        match=r"expected the weights of torchvision's resnet34: .*layer1\.2\.conv1.*; pass these weights, or",
    ):
        ImageTower.from_pretrained(str(resnet), "resnet34")


def change(path: Path, out: Path, **entries: Any) -> str:
    state = {**torch.load(path, weights_only=True), **entries}
    torch.save({name: tensor for name, tensor in state.items() if tensor is not None}, out)
    return str(out)


def test_broken_state_dicts_are_named(resnet: Path, tmp_path: Path) -> None:
    file = tmp_path / "odd.pth"
    with pytest.raises(TowerError, match=r"Missing key.*conv1\.weight"):
        ImageTower.from_pretrained(change(resnet, file, **{"conv1.weight": None}))
    with pytest.raises(TowerError, match=r"Unexpected key.*extra"):
        ImageTower.from_pretrained(change(resnet, file, extra=torch.zeros(1)))
    with pytest.raises(TowerError, match=r"size mismatch for bn1\.weight"):
        ImageTower.from_pretrained(change(resnet, file, **{"bn1.weight": torch.zeros(3)}))


def test_files_that_are_not_state_dicts_are_named(tmp_path: Path) -> None:
    with pytest.raises(TowerError, match="no such file; pass 'imagenet', 'none'"):
        ImageTower.from_pretrained(str(tmp_path / "missing.pth"))
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(TowerError, match=r"found another file"):
        ImageTower.from_pretrained(str(tmp_path / "text.pth"))
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(TowerError, match="found something else"):
        ImageTower.from_pretrained(str(tmp_path / "list.pth"))


def test_no_network_for_imagenet_names_the_file_to_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", fail)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    with pytest.raises(TowerError, match=r"cannot be downloaded: no route to host; .*resnet18-f37072fd\.pth elsewhere"):
        ImageTower.from_pretrained("imagenet")


@pytest.mark.parametrize(
    ("removed", "message"),
    [
        (["config.json"], "no configuration: expected config.json"),
        (["model.safetensors"], "no weights: expected model.safetensors or"),
    ],
)
def test_a_folder_that_lacks_a_file_is_named(bert: Path, tmp_path: Path, removed: list[str], message: str) -> None:
    folder = shutil.copytree(bert, tmp_path / "bert")
    for name in removed:
        (folder / name).unlink()
    with pytest.raises(TowerError, match=message):
        load_text_model(str(folder))


def test_a_folder_without_tokenizer_is_named(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "bert")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(TowerError, match=r"no tokenizer: expected tokenizer\.json or vocab\.txt"):
        load_tokenizer(str(folder))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(TowerError, match="no such folder; pass a folder with a Hugging Face BERT"):
        load_text_model(str(tmp_path / "nowhere"))


def test_weights_of_another_shape_are_refused(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "bert")
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"num_hidden_layers": 2', '"num_hidden_layers": 3'))
    with pytest.raises(TowerError, match=r"lack 16 tensors .* the first is 'encoder.layer.2"):
        load_text_model(str(folder))


def test_a_name_without_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("We couldn't connect")

    monkeypatch.setattr("photoseek_train.model.pretrained.AutoTokenizer.from_pretrained", offline)
    with pytest.raises(TowerError, match=r"'bert-base-nowhere' is not a folder.*couldn't connect.*check the name"):
        load_tokenizer("bert-base-nowhere")
