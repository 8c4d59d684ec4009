"""A pretrained BERT with fewer layers and a smaller vocabulary."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertModel, GPT2Config, GPT2Model

from photoseek_train.errors import SettingsError
from photoseek_train.model.compact_bert import CompactBert, create_compact_bert
from photoseek_train.model.pretrained import load_text_model, load_tokenizer
from photoseek_train.model.shortened_bert import shorten_bert

TEXTS = ["a red car next to a tree", "two blue boats at night", "the skateboarder jumps over seven benches"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of five layers."""
    folder = tmp_path_factory.mktemp("source") / "bert"
    create_compact_bert(TEXTS, folder, CompactBert(5, 32, 2, vocabulary=160, positions=40))
    return folder


def states(folder: Path, text: str) -> torch.Tensor:
    tokens = load_tokenizer(str(folder))([text], return_tensors="pt")
    with torch.inference_mode():
        found: torch.Tensor = load_text_model(str(folder)).eval()(**tokens).last_hidden_state
    return found


def test_with_all_layers_captions_keep_their_states(source: Path, tmp_path: Path) -> None:
    """Pieces get other ids, and the pieces that no caption uses are gone."""
    pieces = shorten_bert(str(source), TEXTS[:2], tmp_path / "bert", layers=5, vocabulary=0, positions=20)
    assert pieces == load_text_model(str(tmp_path / "bert")).config.vocab_size < 100
    for text in TEXTS[:2]:
        assert torch.equal(states(tmp_path / "bert", text), states(source, text))
    words = [load_tokenizer(str(folder)).tokenize(TEXTS[2]) for folder in (source, tmp_path / "bert")]
    assert words[0] != words[1]


def test_the_first_pieces_are_kept_without_a_caption(source: Path, tmp_path: Path) -> None:
    shorten_bert(str(source), [], tmp_path / "bert", layers=1, vocabulary=160)
    first, kept = (load_tokenizer(str(folder)) for folder in (source, tmp_path / "bert"))
    assert kept.get_vocab() == first.get_vocab()
    assert kept.model_max_length == 40


def test_layers_are_evenly_spaced_from_the_first(source: Path, tmp_path: Path) -> None:
    shorten_bert(str(source), TEXTS, tmp_path / "bert", layers=2, vocabulary=0)
    ours, theirs = (load_text_model(str(folder)).encoder.layer for folder in (tmp_path / "bert", source))
    assert len(ours) == 2
    for layer, origin in zip(ours, (theirs[0], theirs[2]), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(layer.parameters(), origin.parameters(), strict=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"layers": 6}, "1 to 5"), ({"layers": 0}, "1 to 5"), ({"layers": 1, "positions": 41}, "at most 40")],
)
def test_a_shape_that_the_source_does_not_have_is_refused(
    source: Path, tmp_path: Path, change: dict[str, int], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        shorten_bert(str(source), TEXTS, tmp_path / "bert", vocabulary=0, **change)
    assert not (tmp_path / "bert").exists()


def test_another_architecture_is_refused(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "gpt2"
    load_tokenizer(str(source)).save_pretrained(other)
    GPT2Model(GPT2Config(vocab_size=200, n_embd=16, n_layer=1, n_head=2)).save_pretrained(other)
    with pytest.raises(SettingsError, match="expected a BERT, found gpt2"):
        shorten_bert(str(other), TEXTS, tmp_path / "bert", 1, 0)


def test_the_folder_is_one_of_transformers(source: Path, tmp_path: Path) -> None:
    shorten_bert(str(source), TEXTS, tmp_path / "bert", layers=1, vocabulary=0, positions=16)
    bert = BertModel.from_pretrained(tmp_path / "bert", add_pooling_layer=False)
    assert (bert.config.num_hidden_layers, bert.config.max_position_embeddings) == (1, 16)
