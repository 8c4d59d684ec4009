"""What models cost, and the order of the list."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

import photoseek.models.cost as module
from photoseek.bundle.model_registry import RegisteredModel, registered_models
from photoseek.cli.app import app
from photoseek.models.cost import beats, estimate_cost, measure_gflops, rank_models

B16, B32 = 16, 32
IMAGE_TOWERS = {
    "clip-vit-b-32": (B32, 224, "class"),
    "clip-vit-b-16": (B16, 224, "class"),
    "clip-vit-b-32-datacomp": (B32, 256, "class"),
    "siglip-b-16-224": (B16, 224, "attention"),
    "siglip2-b-16-224": (B16, 224, "attention"),
    "siglip-b-16-256-multilingual": (B16, 256, "attention"),
    "xlm-roberta-vit-b-32": (B32, 224, "class"),
    "chinese-clip-vit-b-16": (B16, 224, "class"),
}
"""Side of a patch and of the input, and the pooling; all have 12 layers, 768 wide."""

TEXT_TOWERS = {
    "clip-vit-b-32": (512, 16),
    "clip-vit-b-16": (512, 16),
    "clip-vit-b-32-datacomp": (512, 77),
    "siglip-b-16-224": (768, 64),
    "siglip2-b-16-224": (768, 64),
    "siglip-b-16-256-multilingual": (768, 64),
    "xlm-roberta-vit-b-32": (768, 77),
    "mobileclip-s2": (512, 16),
    "chinese-clip-vit-b-16": (768, 52),
}
"""Width and tokens; all have 12 layers."""


def transformer_gflop(tokens: int, width: int, layers: int = 12) -> float:
    """Count two operations per multiply-add: 12 width^2 in the weights of a layer, 2 tokens * width in attention."""
    return 2e-9 * tokens * layers * (12 * width**2 + 2 * tokens * width)


@pytest.mark.parametrize("name", IMAGE_TOWERS)
def test_the_arithmetic_of_image_towers_is_that_of_their_architecture(name: str) -> None:
    patch, side, pooling = IMAGE_TOWERS[name]
    patches = (side // patch) ** 2
    embedding = 2e-9 * patches * 3 * patch**2 * 768
    head = 2e-9 * patches * 2 * 768**2 if pooling == "attention" else 0.0
    expected = transformer_gflop(patches + (pooling == "class"), 768) + embedding + head
    assert registered_models()[name].gflop["photo"] == pytest.approx(expected, rel=0.002)


@pytest.mark.parametrize("name", TEXT_TOWERS)
def test_the_arithmetic_of_text_towers_is_that_of_their_architecture(name: str) -> None:
    width, tokens = TEXT_TOWERS[name]
    assert registered_models()[name].gflop["text"] == pytest.approx(transformer_gflop(tokens, width), rel=0.005)


def test_every_model_has_a_cost() -> None:
    assert all(set(model.gflop) == {"photo", "text"} for model in registered_models().values())


def test_estimates_divide_arithmetic_by_speed() -> None:
    model = replace(registered_models()["clip-vit-b-32"], gflop={"photo": 8.0, "text": 2.0})
    cost = estimate_cost(model, 100.0)
    assert cost is not None
    assert (cost.photos_per_s, cost.query_ms) == (12.5, 20.0)
    assert estimate_cost(replace(model, gflop={}), 100.0) is None


def model(name: str, photo: float, text: float, **recall: float) -> RegisteredModel:
    known = registered_models()["clip-vit-b-32"]
    return replace(known, name=name, gflop={"photo": photo, "text": text}, recall=recall)


def test_a_beaten_model_comes_after_all_others_of_its_benchmark() -> None:
    small, large = model("small", 1, 1, en=60.0), model("large", 9, 9, en=80.0)
    beaten, chinese = model("beaten", 9, 9, en=79.0), model("chinese", 9, 9, en=70.0, zh=70.0)
    unknown = replace(small, name="unknown", benchmark=None, recall={})
    other = replace(beaten, name="other", benchmark=registered_models()["mobileclip-s0"].benchmark)
    ranked = [each.name for each in rank_models([unknown, beaten, small, other, chinese, large])]
    assert ranked == ["large", "chinese", "small", "beaten", "other", "unknown"]
    assert beats(large, beaten)
    assert not beats(large, chinese), "Chinese is not published for it"
    assert not beats(large, large)
    assert not beats(model("slow queries", 1, 2, en=99.0), small)


def test_the_list_is_sorted_and_has_the_estimates(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "measure_gflops", lambda: 100.0)
    printed = CliRunner().invoke(app, ["models", "list", "--json"])
    assert printed.exit_code == 0, printed.output
    rows = {facts["name"]: facts for facts in json.loads(printed.stdout)}
    assert list(rows) == [each.name for each in rank_models(registered_models().values())]
    clip = rows["clip-vit-b-32"]
    assert clip["gflop"] == {"photo": 8.82, "text": 1.21}
    assert clip["estimate"] == pytest.approx({"cpu_gflops": 100.0, "photos_per_s": 11.338, "query_ms": 12.1}, rel=1e-3)
    table = CliRunner().invoke(app, ["models", "list"])
    line = next(line for line in table.stdout.splitlines() if "clip-vit-b-32 " in line)
    assert "11.3" in line
    assert "12.1" in line
    assert "estimates for fp32 on this CPU" in " ".join(table.output.split())
    assert not models.exists()


def test_the_probe_measures_the_graph_of_one_product() -> None:
    graph = onnx.load(str(Path(module.__file__).with_name("matmul.onnx"))).graph
    assert [node.op_type for node in graph.node] == ["MatMul"]
    shapes = [[size.dim_value for size in value.type.tensor_type.shape.dim] for value in graph.input]
    assert shapes == [[50, 768], [768, 3072]]
    assert measure_gflops(seconds=0.0) > 0
