"""Chinese: loading bert-base-chinese, a second text tower, and compact vocabularies."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from transformers import BertConfig, BertForPreTraining

from photoseek.encoders.encoders import TextEncoder
from photoseek_export import export_checkpoint
from photoseek_train.config import ModelInit, OptimConfig
from photoseek_train.errors import SettingsError
from photoseek_train.evaluation.evaluate import evaluate
from photoseek_train.model.checkpoint import load_checkpoint
from photoseek_train.model.compact_bert import CompactBert, learn_tokenizer
from photoseek_train.model.init import build_model
from photoseek_train.model.pretrained import load_text_model, load_tokenizer
from photoseek_train.training.fit import Fit
from photoseek_train.training.run_folder import Run
from toy_world import MakeFit, World, train_and_resume

CHARACTERS = "红绿蓝白左右边的图一张先再，。狗雪地奔跑"
VOCABULARY = ["[PAD]", *(f"[unused{n}]" for n in range(1, 100)), "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS, "T"]
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
WORDS = {"red": "红", "green": "绿", "blue": "蓝", "white": "白"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of bert-base-chinese and small random weights.

    It contains the heads of pretraining, and the parameters of norms are named gamma and beta, as converted from
    TensorFlow.
    """
    folder = tmp_path_factory.mktemp("published") / "bert-base-chinese"
    folder.mkdir()
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in VOCABULARY), "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False, "model_max_length": 512}))
    config = {
        "architectures": ["BertForMaskedLM"],
        "attention_probs_dropout_prob": 0.1,
        "directionality": "bidi",
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": 512,
        "model_type": "bert",
        "pad_token_id": 0,
        "pooler_fc_size": 768,
        "pooler_num_attention_heads": 12,
        "pooler_num_fc_layers": 3,
        "pooler_size_per_head": 128,
        "pooler_type": "first_token_transform",
        "type_vocab_size": 2,
        "vocab_size": len(VOCABULARY),
        **SHAPE,
    }
    (folder / "config.json").write_text(json.dumps(config))
    write_weights(folder / "pytorch_model.bin")
    return folder


def write_weights(path: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertForPreTraining(BertConfig(vocab_size=len(VOCABULARY), **SHAPE))
        state = {old_name(name): tensor.clone() for name, tensor in model.state_dict().items()}
        for name, tensor in state.items():
            if name.endswith(("gamma", "beta")):
                tensor.normal_()  # not what a fresh norm has
    if path.suffix == ".bin":
        torch.save(state, path)
    else:
        safetensors.torch.save_file(state, path, metadata={"format": "pt"})


def old_name(name: str) -> str:
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


def saved_weights(folder: Path) -> dict[str, torch.Tensor]:
    file = folder / "pytorch_model.bin"
    if file.is_file():
        state: dict[str, torch.Tensor] = torch.load(file, weights_only=True)
        return state
    return safetensors.torch.load_file(folder / "model.safetensors")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_every_weight_of_the_published_file_is_loaded(published: Path, tmp_path: Path, name: str) -> None:
    """Including those of the norms under their old names; heads and pooler are omitted."""
    folder = Path(shutil.copytree(published, tmp_path / "bert", ignore=shutil.ignore_patterns("*.bin")))
    write_weights(folder / name)
    model = load_text_model(str(folder)).state_dict()
    saved = saved_weights(folder)
    assert any(name.endswith("LayerNorm.gamma") for name in saved)
    assert model
    for name, tensor in model.items():
        assert torch.equal(tensor, saved[f"bert.{old_name(name)}"]), name


def test_its_tokenizer_splits_characters_and_keeps_case(published: Path) -> None:
    tokenizer = load_tokenizer(str(published))
    assert tokenizer.tokenize("红狗T t，雪地。") == ["红", "狗", "T", "[UNK]", "，", "雪", "地", "。"]
    assert tokenizer("红")["input_ids"] == [VOCABULARY.index(piece) for piece in ("[CLS]", "红", "[SEP]")]


@pytest.fixture(scope="module")
def chinese_world(world: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The photos of the world with Chinese captions."""
    captions = tmp_path_factory.mktemp("captions") / "captions.zh.token"
    lines = []
    for line in world.captions.read_text("utf-8").splitlines():
        label, _, text = line.partition("\t")
        left, right = (WORDS[word] for word in text.replace(",", "").replace(".", "").split() if word in WORDS)
        lines.append(
            f"{label}\t" + (f"左边{left}，右边{right}。" if label.endswith("#0") else f"一张图，先{left}再{right}")
        )
    captions.write_text("\n".join(lines) + "\n", "utf-8")
    return world._replace(captions=captions)


def second_tower(fit: Fit, checkpoint: Path, bert: Path, world: World, out: Path, **optim: object) -> Fit:
    """Return a run like ``fit`` that trains another text tower against the image side of a checkpoint."""
    sources = replace(fit.settings.sources, text_model=str(bert), checkpoint=checkpoint, dropout=0.1)
    settings = replace(fit.settings, sources=sources, optim=replace(fit.settings.optim, freeze_images=True, **optim))
    return replace(fit, train=world.split("train"), dev=world.split("dev"), settings=settings, out=out)


def image_side(checkpoint: Path) -> dict[str, torch.Tensor]:
    state = load_checkpoint(checkpoint).model.state_dict()
    return {name: tensor for name, tensor in state.items() if name.startswith("image_")}


@pytest.fixture(scope="module")
def chinese_run(
    fit_into: MakeFit, english: Path, published: Path, chinese_world: World, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """A published BERT trained against the image side of ``english``; the moving average is saved. Read-only."""
    out = tmp_path_factory.mktemp("chinese") / "run"
    return second_tower(fit_into(out, tune="text", epochs=3, ema=0.9), english, published, chinese_world, out)()


@pytest.mark.parametrize("tune", ["text", "none"])
def test_a_second_text_tower_does_not_change_the_image_side(
    request: pytest.FixtureRequest,
    make_fit: MakeFit,
    english: Path,
    published: Path,
    chinese_world: World,
    tmp_path: Path,
    tune: str,
) -> None:
    """Weights, batch statistics and projector are identical to the bit, while the loss decreases."""
    if tune == "text":
        run: Run = request.getfixturevalue("chinese_run")
    else:
        run = second_tower(make_fit(epochs=3), english, published, chinese_world, tmp_path / "chinese")()
    before, after = image_side(english), image_side(run.path)
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name]), name
    assert run.history[-1].loss < run.history[0].loss
    assert run.history[-1].temperature != run.history[0].temperature
    assert (run.config.model.dim, run.config.model.text_model) == (16, "bert-base-chinese")
    assert run.config.model.image_weights == load_checkpoint(english).config.model.image_weights


def test_the_temperature_continues_from_the_checkpoint(english: Path, published: Path) -> None:
    built = build_model(ModelInit(str(published), max_tokens=24, checkpoint=english), seed=0).model
    trained = load_checkpoint(english).model
    assert built.logit_scale == trained.logit_scale
    assert not torch.equal(built.text_projector.second.weight, trained.text_projector.second.weight)


def test_the_second_tower_finds_the_photos(
    make_fit: MakeFit, english: Path, bert: Path, world: World, tmp_path: Path
) -> None:
    """A new tower, trained on the captions of the first against its frozen image side."""
    fit = make_fit(tune="text", epochs=10)
    run = second_tower(fit, english, bert, world, tmp_path / "second")()
    assert run.best is not None
    first = evaluate(english, world.split("dev")).metrics.rsum
    assert run.best.dev.rsum > 0.8 * first


def test_a_run_with_a_frozen_image_side_resumes(
    make_fit: MakeFit, english: Path, bert: Path, world: World, tmp_path: Path
) -> None:
    fit = second_tower(make_fit(tune="text", epochs=2), english, bert, world, tmp_path / "run")
    losses = [[record.loss for record in run.history] for run in train_and_resume(fit)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_a_frozen_image_side_has_no_trained_tower() -> None:
    with pytest.raises(
        SettingsError, match="tune: expected none or text, because the image side is frozen, found 'both'"
    ):
        OptimConfig(tune="both", freeze_images=True)


def test_a_published_bert_becomes_the_second_tower_of_a_bundle(english: Path, chinese_run: Run, tmp_path: Path) -> None:
    """From its files to a query: the runtime's vectors equal PyTorch's."""
    bundle = export_checkpoint(english, tmp_path / "bundle", texts={"zh": chinese_run.path})
    model, _, tokenizer = load_checkpoint(chinese_run.path)
    text = "左边红，右边白。"
    with torch.inference_mode():
        expected = model.encode_text(**tokenizer(text, return_tensors="pt", return_token_type_ids=False)).numpy()
    np.testing.assert_allclose(TextEncoder(bundle).encode([text]), expected, atol=1e-4)


def test_a_compact_vocabulary_has_a_piece_for_each_character() -> None:
    captions = ["在雪地中奔跑的狗。", "一个穿着红色T恤的男人，在2只狗旁边。", "雪地里的黑狗和白狗"]
    tokenizer = learn_tokenizer(captions, CompactBert(vocabulary=200, positions=32))
    assert tokenizer.tokenize("红色的狗，在T恤旁边。") == [*"红色的狗，在", "t", *"恤旁边。"]
    assert "[UNK]" not in [piece for caption in captions for piece in tokenizer.tokenize(caption)]


def test_a_compact_vocabulary_has_at_most_its_size() -> None:
    """If there are more characters, the rarest are unknown."""
    common, rare = "狗雪地", [chr(0x4E00 + number) for number in range(400)]
    captions = [f"{common}{character}" for character in rare] + ["a cab", "bad"] * 3
    tokenizer = learn_tokenizer(captions, CompactBert(vocabulary=100, positions=32))
    assert len(tokenizer) <= 100
    assert tokenizer.tokenize(common) == list(common)
    assert sum(tokenizer.tokenize(character) == ["[UNK]"] for character in rare) > 300


def test_the_same_captions_give_the_same_pieces_and_ids() -> None:
    """The trainer processes words in random order each time."""
    words = [f"{first}{second}{third}ing" for first in "bcdfg" for second in "aeiou" for third in "lmnpr"]
    captions = [f"a {word} dog and the {other}" for word, other in zip(words, reversed(words), strict=True)]
    shape = CompactBert(vocabulary=150, positions=32)
    first, *others = (learn_tokenizer(captions, shape).get_vocab() for _ in range(4))
    assert len(first) == 150
    assert all(other == first for other in others)
    assert sorted(first.values()) == list(range(150))


def test_continuation_pieces_are_not_special_tokens() -> None:
    """If a user types them, they are text."""
    tokenizer = learn_tokenizer(["a cab", "a bad cab"], CompactBert(vocabulary=100, positions=32))
    assert tokenizer.all_special_tokens == ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"]
    assert "##a" in tokenizer.get_vocab()
    assert tokenizer.tokenize("##a") == ["[UNK]", "[UNK]", "a"]
