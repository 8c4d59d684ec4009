"""Distillation: a student learns the vectors of a bundle, for photos with and without captions."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from external_models import write_transformers
from photoseek import Bundle
from photoseek.captions import CaptionFile
from photoseek.encoders.encoders import ImageEncoder, TextEncoder
from photoseek_train.cli.app import app
from photoseek_train.config import OptimConfig
from photoseek_train.data.batches import sample_for_teacher
from photoseek_train.data.dataset import CaptionedPhotos
from photoseek_train.errors import DataError, RunMismatch, SettingsError
from photoseek_train.features.cache import FeatureCache
from photoseek_train.features.teacher import CLIP_SCALE, Teacher
from photoseek_train.features.teacher_pairs import pair_by_teacher
from photoseek_train.model.checkpoint import CheckpointFiles, load_checkpoint, read_config
from photoseek_train.training.fit import Fit
from photoseek_train.training.losses import affinity_mimicking, feature_regression
from tiny_bundle import write_tiny_bundle
from toy_world import COLORS, MakeFit, World, draw, train_and_resume


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Teacher:
    """A bundle of 16 dimensions that encodes the mean color of a photo, and the colors that a text names."""
    return Teacher(Bundle.load(write_tiny_bundle(tmp_path_factory.mktemp("teacher") / "colors")), scale=10.0)


@pytest.fixture
def data(world: World, tmp_path: Path) -> CaptionedPhotos:
    """The training split, with four photos that nobody has captioned."""
    images = shutil.copytree(world.images, tmp_path / "images")
    (images / "more").mkdir()
    for seed, color in enumerate(COLORS):
        draw(images / "more" / f"{color}.png", color, color, seed=100 + seed)
    captioned = world.split("train").captions + world.split("dev").captions
    return replace(world.split("train"), folder=images).with_uncaptioned(CaptionFile(images, captioned))


@pytest.fixture
def distill(make_fit: MakeFit, teacher: Teacher, data: CaptionedPhotos) -> Fit:
    return replace(make_fit(tune="both", epochs=2), train=data, teacher=teacher)


def test_every_photo_without_captions_is_added(world: World, data: CaptionedPhotos) -> None:
    assert data.names[: len(world.split("train").names)] == world.split("train").names
    assert data.names[-4:] == tuple(sorted(f"more/{color}.png" for color in COLORS))
    assert data.sha256 != world.split("train").sha256


def test_the_student_approaches_the_teacher(distill: Fit, teacher: Teacher, world: World) -> None:
    optim = replace(distill.settings.optim, tune="text", epochs=30)
    run = replace(distill, settings=replace(distill.settings, optim=optim))()
    assert run.history[-1].loss < 0.4 * run.history[0].loss
    model, config, tokenizer = load_checkpoint(run.path)
    assert config.teacher == teacher.name
    assert float(model.inverse_temperature.detach()) == pytest.approx(teacher.scale)
    dev = world.split("dev")
    tokens = tokenizer(dev.texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        texts = model.encode_text(tokens["input_ids"], tokens["attention_mask"]).numpy()
    expected = TextEncoder(teacher.bundle).encode(dev.texts)
    assert np.einsum("ij,ij->i", texts, expected).mean() > 0.9


def test_a_resumed_distillation_ends_like_an_uninterrupted_one(distill: Fit) -> None:
    uninterrupted, resumed = train_and_resume(distill)
    weights = [load_checkpoint(run.path).model.state_dict() for run in (uninterrupted, resumed)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    with pytest.raises(RunMismatch, match=r"teacher: '', not 'tiny"):
        replace(distill, teacher=None)(resume=True)


def test_vectors_of_the_teacher_are_computed_once(
    teacher: Teacher, data: CaptionedPhotos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = FeatureCache(tmp_path / "features")
    images, texts = teacher.image_vectors(folder, data.paths), teacher.text_vectors(folder, data.texts)
    np.testing.assert_allclose(images, ImageEncoder(teacher.bundle).encode(data.paths), atol=1e-6)
    np.testing.assert_allclose(texts, TextEncoder(teacher.bundle).encode(data.texts), atol=1e-6)
    for encoder in (ImageEncoder, TextEncoder):
        monkeypatch.setattr(encoder, "encode", lambda *_, **__: pytest.fail("encoded again"))
    assert torch.equal(teacher.image_vectors(folder, data.paths), images)
    assert torch.equal(teacher.text_vectors(folder, data.texts), texts)


def test_a_batch_has_a_caption_of_each_photo_that_has_one(data: CaptionedPhotos) -> None:
    batches = sample_for_teacher(data, OptimConfig(batch_size=8), epoch=1)
    photos = np.concatenate([batch.photos for batch in batches])
    assert len(np.unique(photos)) == len(photos) == len(data.names) // 8 * 8
    for batch in batches:
        assert batch.captions.shape == batch.photos.shape
        for photo, caption in zip(batch.photos, batch.captions, strict=True):
            own = data.captions_of_image[photo]
            assert caption in own or len(own) == 0
    other = sample_for_teacher(data, OptimConfig(batch_size=8), epoch=2)
    assert not np.array_equal(photos, np.concatenate([batch.photos for batch in other]))


def test_losses_equal_their_formulas() -> None:
    generator = torch.Generator().manual_seed(0)
    unit = [torch.nn.functional.normalize(torch.randn(n, 4, generator=generator)) for n in (3, 5, 3, 5)]
    images, texts, teacher_images, teacher_texts = unit
    distances = ((images - teacher_images) ** 2).sum(dim=1).mean()
    assert feature_regression(images, teacher_images) == pytest.approx(float(distances / 2), abs=1e-6)
    found = affinity_mimicking((images, texts), (teacher_images, teacher_texts), 20.0)
    ours, theirs = (20 * a @ b.T for a, b in ((images, texts), (teacher_images, teacher_texts)))
    expected = 0.0
    for logits, targets in ((ours, theirs), (ours.T, theirs.T)):
        p, q = targets.softmax(dim=1), logits.softmax(dim=1)
        expected += float((p * (p / q).log()).sum() / len(logits)) / 2
    assert found == pytest.approx(expected, rel=1e-5)
    assert affinity_mimicking((images, texts), (images, texts), 20.0) == pytest.approx(0.0, abs=1e-6)


def test_the_temperature_is_that_of_the_bundle_or_of_clip(teacher: Teacher) -> None:
    demo = Teacher.load("demo")
    assert demo.scale == json.loads((demo.bundle.path / "config.json").read_text())["logit_scale"] < CLIP_SCALE
    assert Teacher.load(teacher.bundle.path).scale == CLIP_SCALE


@pytest.mark.parametrize(("scale", "expected"), [(25.5, 25.5), (0, CLIP_SCALE), (-1, CLIP_SCALE), ("NaN", CLIP_SCALE)])
def test_a_temperature_that_is_none_is_not_taken(tmp_path: Path, scale: object, expected: float) -> None:
    bundle = write_transformers(tmp_path / "clip")
    config = json.loads((bundle / "config.json").read_text())
    (bundle / "config.json").write_text(json.dumps({**config, "logit_scale": scale}))
    assert Teacher.load(bundle).scale == expected


def test_settings_that_do_not_fit_the_teacher_are_refused(distill: Fit, make_fit: MakeFit) -> None:
    sources = replace(distill.settings.sources, dim=8)
    with pytest.raises(SettingsError, match="dim: expected 16, that of the teacher, found 8"):
        replace(distill, settings=replace(distill.settings, sources=sources))()
    for name, value, default in (("mix", 0.5, "0.0"), ("loss", "triplet", "infonce"), ("batch_by", "folder", "all")):
        other = replace(make_fit(tune="both", **{name: value}), teacher=distill.teacher)
        with pytest.raises(SettingsError, match=f"{name}: expected {default} with a teacher, found {value}; omit it"):
            other()


def write_texts(world: World, file: Path) -> list[str]:
    """Write the captions of the toy world without their photos, with empty and repeated lines; return each once."""
    texts = list(dict.fromkeys(world.split("train").texts + world.split("dev").texts))
    file.write_text("\n".join(["", *texts, texts[0], "  "]), "utf-8")
    return texts


def test_a_text_becomes_a_caption_of_the_photo_that_the_teacher_ranks_first(
    world: World, teacher: Teacher, tmp_path: Path
) -> None:
    texts = write_texts(world, tmp_path / "texts.txt")
    cache = FeatureCache(tmp_path / "features")
    train, dev = pair_by_teacher(teacher, cache, world.images, tmp_path / "texts.txt")
    assert sorted(train.texts + dev.texts) == sorted(texts)
    assert not set(train.names) & set(dev.names)
    assert len(dev.texts) == max(1, len(texts) // 20)
    assert {caption.image for caption in dev.captions} == set(dev.names)
    for split in (train, dev):
        images, vectors = (
            ImageEncoder(teacher.bundle).encode(split.paths),
            TextEncoder(teacher.bundle).encode(split.texts),
        )
        scores = vectors @ images.T
        assigned = scores[np.arange(len(vectors)), split.image_of_text]
        np.testing.assert_allclose(assigned, scores.max(axis=1), atol=1e-5)
    assert pair_by_teacher(teacher, cache, world.images, tmp_path / "texts.txt") == (train, dev)


def test_photos_and_texts_without_captions_must_be_at_least_two(
    world: World, teacher: Teacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.txt").write_text("red\nred\n")
    (tmp_path / "none").mkdir()
    cache = FeatureCache(tmp_path / "features")
    with pytest.raises(DataError, match=r"one\.txt: expected texts, at least 2, found 1"):
        pair_by_teacher(teacher, cache, world.images, tmp_path / "one.txt")
    with pytest.raises(DataError, match="none: expected photos, at least 2, found 0"):
        pair_by_teacher(teacher, cache, tmp_path / "none", tmp_path / "one.txt")
    with pytest.raises(DataError, match="expected UTF-8 texts, one a line"):
        pair_by_teacher(teacher, cache, world.images, tmp_path / "missing.txt")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SettingsError, match="texts: expected one process, found several"):
        pair_by_teacher(teacher, cache, world.images, tmp_path / "one.txt")


def test_the_command_line_without_captions(
    world: World, teacher: Teacher, bert: Path, resnet: Path, tmp_path: Path
) -> None:
    write_texts(world, tmp_path / "texts.txt")
    out = tmp_path / "run"
    words = [
        *("distill", "--teacher", teacher.bundle.path, "--images", world.images, "--out", out),
        *("--text-model", bert, "--image-weights", resnet, "--image-size", 32, "--resize", "squash"),
        *("--max-tokens", 24, "--epochs", 1, "--batch-size", 16),
    ]
    for more, found in (([], "found neither"), (["--texts", "a", "--captions", "b"], "found both")):
        refused = CliRunner().invoke(app, [str(word) for word in [*words, *more]])
        assert refused.exit_code == 2
        assert found in refused.output
    done = CliRunner().invoke(app, [str(word) for word in [*words, "--texts", tmp_path / "texts.txt"]])
    assert done.exit_code == 0, done.output
    assert re.search(r"train: 61 photos \(\d+ without captions\) and \d+ captions; dev: ", done.output)
    assert "dev, for each text the first photo of the teacher, epoch 1" in " ".join(done.output.split())
    assert (out / "report.html").is_file()
    assert read_config(out).teacher == teacher.name


def test_the_command_line(
    world: World,
    teacher: Teacher,
    data: CaptionedPhotos,
    bert: Path,
    resnet: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (data.folder / "linked").symlink_to(world.images, target_is_directory=True)
    out = tmp_path / "run"
    words = [
        *("distill", "--teacher", teacher.bundle.path, "--images", data.folder, "--captions", world.captions),
        *("--train", world.train, "--dev", world.dev, "--text-model", bert, "--image-weights", resnet),
        *("--image-size", 32, "--resize", "squash", "--max-tokens", 24, "--epochs", 1, "--batch-size", 16),
        *("--out", out, "--no-report"),
    ]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    assert "train: 52 photos (4 without captions) and 96 captions; dev: 16 photos and 32 captions\n" in done.output
    assert "left out: 1 folder: links to folders elsewhere" in caplog.text
    assert "dev, epoch 1" in done.output
    config = read_config(out)
    assert (config.model.dim, config.teacher) == (teacher.bundle.dim, teacher.name)
    assert (out / CheckpointFiles.FEATURES / "teacher_image_vectors.npy").is_file()
