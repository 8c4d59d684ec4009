"""Training: results, resumption, and invalid settings."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from photoseek_train.config import FORMAT, AugmentConfig, FitResources, ModelInit, OptimConfig, preprocessing_of
from photoseek_train.errors import CheckpointIncompatible, DataError, RunDiverged, RunExists, RunMismatch, SettingsError
from photoseek_train.evaluation.evaluate import evaluate
from photoseek_train.features.frozen_features import VIEWS
from photoseek_train.model.checkpoint import CheckpointFiles, load_checkpoint, read_metrics, weights_hash
from photoseek_train.model.init import build_model
from photoseek_train.training.fit import Fit, FitSettings
from photoseek_train.training.optimizer import create_ema
from photoseek_train.training.run_folder import Run, saved_config
from photoseek_train.training.trainer import EpochRecord, freeze, set_training
from toy_world import MakeFit, World, train_and_resume

CHANCE_RSUM = 2 * (100 + 500 + 1000) / 16  # 16 photos: one guess in 16 is right


@pytest.mark.parametrize("tune", ["none", "image", "text", "both"])
def test_every_mode_finds_photos(make_fit: MakeFit, request: pytest.FixtureRequest, tune: str) -> None:
    trained = {"image": "image_run", "text": "text_run", "both": "english_run"}
    run = request.getfixturevalue(trained[tune]) if tune in trained else make_fit(tune=tune, epochs=12)()
    first, last, best = run.history[0], run.history[-1], run.best
    assert best is not None
    assert last.loss < 0.8 * first.loss
    assert best.dev.rsum > 1.5 * CHANCE_RSUM
    assert (best.dev.images, best.dev.captions) == (16, 32)


def test_the_checkpoint_is_that_of_the_best_epoch(text_run: Run, world: World) -> None:
    """Evaluation of the folder returns the metrics that training recorded."""
    metrics = read_metrics(text_run.path)
    assert text_run.best is not None
    assert metrics["epoch"] == text_run.best.epoch
    assert metrics["weights_sha256"] == weights_hash(text_run.path)
    assert evaluate(text_run.path, world.split("dev")).metrics.to_json() == metrics["dev"]


def test_frozen_towers_do_not_change(text_run: Run, resnet: Path) -> None:
    trained = load_checkpoint(text_run.path).model.image_tower.backbone.state_dict()
    for name, tensor in torch.load(resnet, weights_only=True).items():
        if not name.startswith("fc."):
            assert torch.equal(trained[name], tensor), name


def test_frozen_stages_and_batch_statistics_do_not_change(make_fit: MakeFit, resnet: Path) -> None:
    """Stem and first two stages keep their weights; all batch norms keep their statistics, but train their scales."""
    run = make_fit(tune="image", epochs=1, frozen_stages=3)()
    trained = load_checkpoint(run.path).model.image_tower.backbone.state_dict()
    for name, tensor in torch.load(resnet, weights_only=True).items():
        if not name.startswith("fc."):
            frozen = name.startswith(("conv1", "bn1", "layer1", "layer2")) or "running" in name or "num_" in name
            assert torch.equal(trained[name], tensor) == frozen, name


def test_stages_of_a_random_image_tower_are_not_frozen(bert: Path) -> None:
    sources, optim = ModelInit(str(bert), "none"), OptimConfig(tune="both", frozen_stages=1)
    with pytest.raises(SettingsError, match="frozen_stages: expected 0 for an image tower with random weights"):
        FitSettings(sources, optim=optim)


@pytest.mark.parametrize(("tune", "image", "text"), [("none", 0, 0), ("image", 1, 0), ("text", 0, 1), ("both", 1, 1)])
def test_only_trained_towers_are_in_training_mode(bert: Path, resnet: Path, tune: str, image: int, text: int) -> None:
    """A frozen tower in training mode would drop states, and change its batch statistics."""
    model = build_model(ModelInit(str(bert), str(resnet), max_tokens=24), seed=0).model
    config = OptimConfig(tune=tune)
    freeze(model, config)
    set_training(model, config)
    for tower, learns in ((model.image_tower, image), (model.text_tower, text)):
        assert {module.training for module in tower.modules()} == {bool(learns)}
        assert {parameter.requires_grad for parameter in tower.parameters()} == {bool(learns)}
    assert model.text_projector.training
    assert model.logit_scale.requires_grad


def test_a_run_continues_from_a_checkpoint(make_fit: MakeFit, english_run: Run, world: World, tmp_path: Path) -> None:
    """Towers and projectors are loaded: the first epoch is no worse than the last one of the earlier run."""
    assert english_run.best is not None
    sources = ModelInit(checkpoint=english_run.path, max_tokens=24, dropout=0.0)
    model = build_model(sources, seed=99).model
    for name, tensor in load_checkpoint(english_run.path).model.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name
    settings = replace(
        make_fit().settings, sources=sources, optim=OptimConfig(tune="text", epochs=1, lr=1e-5, text_lr=1e-5)
    )
    second = Fit(world.split("train"), world.split("dev"), settings, tmp_path / "second")()
    assert second.best is not None
    assert second.best.dev.rsum > 0.9 * english_run.best.dev.rsum
    assert second.config.model.dim == 16


@pytest.mark.parametrize(
    "optim",
    [
        {"tune": "none", "loss": "triplet"},
        {"tune": "both", "ema": 0.9, "mix": 0.5},
        {"tune": "text", "mask_tokens": 0.3},
    ],
    ids=str,
)
def test_a_resumed_run_ends_like_an_uninterrupted_one(make_fit: MakeFit, optim: dict[str, Any]) -> None:
    views = 0 if optim["tune"] == "both" else 3
    augment = AugmentConfig(  # random choices to reproduce
        crop_scale=0.7, flip=True, color=0.4, gray=0.2, erase=0.5, first_size=32, views=views
    )
    fit = make_fit(epochs=2, augment=AugmentConfig(), **optim)
    settings = replace(fit.settings, preprocessing=preprocessing_of(64), augment=augment)
    runs = uninterrupted, resumed = train_and_resume(replace(fit, settings=settings))
    assert [record.dev.to_json() for record in resumed.history] == [
        record.dev.to_json() for record in uninterrupted.history
    ]
    assert [record.loss for record in resumed.history] == pytest.approx(
        [r.loss for r in uninterrupted.history], abs=1e-6
    )
    states = [torch.load(run.path / CheckpointFiles.LAST, weights_only=True)["weights"] for run in runs]
    for name, tensor in states[0]["image_projector"].items():
        torch.testing.assert_close(tensor, states[1]["image_projector"][name], atol=1e-6, rtol=1e-6)


def test_the_triplet_loss_learns(make_fit: MakeFit) -> None:
    """Also when only the hardest negative is left."""
    run = make_fit(tune="text", epochs=12, loss="triplet", hardest_after=2)()
    assert run.best is not None
    assert run.best.epoch > 2
    assert run.best.dev.rsum > 1.5 * CHANCE_RSUM


def test_the_moving_average_is_saved_and_not_the_last_step(make_fit: MakeFit, world: World, tmp_path: Path) -> None:
    """Two steps: the first is copied, then the average moves by a fraction of 1 - min(0.9, 2 / 11)."""
    plain = make_fit(tmp_path / "plain", epochs=1, batch_size=48)()
    averaged = make_fit(tmp_path / "averaged", epochs=1, batch_size=48, ema=0.9)()
    after = [load_checkpoint(run.path).model.state_dict() for run in (plain, averaged)]
    last = torch.load(averaged.path / CheckpointFiles.LAST, weights_only=True)["weights"]["image_projector"][
        "first.weight"
    ]
    assert torch.equal(last, after[0]["image_projector.first.weight"])  # the average does not change training
    assert not torch.equal(last, after[1]["image_projector.first.weight"])
    assert evaluate(averaged.path, world.split("dev")).metrics == averaged.history[0].dev


def test_a_moving_average_worked_by_hand() -> None:
    weights = torch.nn.Linear(1, 1, bias=False).requires_grad_(False)
    weights.weight.fill_(0.0)
    average = create_ema(weights, decay=0.25)
    for value in (1.0, 2.0, 3.0):
        weights.weight.fill_(value)
        average.update_parameters(weights)
    second = 1.0 + (1 - 2 / 11) * (2.0 - 1.0)  # the first is copied; the decay after one step is 2 / 11
    third = second + (1 - 0.25) * (3.0 - second)  # after two steps, 3 / 12, which is the maximum
    assert float(average.module.weight) == pytest.approx(third)


def test_a_run_without_improvement_stops(make_fit: MakeFit) -> None:
    """With a learning rate of nearly 0, epoch 1 is the best; a resumed run does not continue either."""
    run = make_fit(epochs=9, lr=1e-12, patience=2)()
    assert run.best is not None
    assert (run.best.epoch, len(run.history)) == (1, 3)
    assert len(make_fit(epochs=9, lr=1e-12, patience=2)(resume=True).history) == 3


def test_an_interrupted_run_stops_at_the_epoch_of_an_uninterrupted_one(make_fit: MakeFit) -> None:
    runs = train_and_resume(make_fit(epochs=9, lr=1e-12, patience=2))
    assert [len(run.history) for run in runs] == [3, 3]
    assert all(run.stopped_early for run in runs)


def test_patience_is_on_by_default_and_can_be_changed_when_a_run_resumes(make_fit: MakeFit) -> None:
    """Every epoch is that of a run that does not stop: the schedule depends on the number of epochs."""
    assert OptimConfig().patience == 10
    stopped = make_fit(epochs=5, lr=1e-12, patience=1)()
    assert (len(stopped.history), stopped.stopped_early) == (2, True)
    resumed = make_fit(epochs=5, lr=1e-12, patience=0)(resume=True)
    assert (len(resumed.history), resumed.stopped_early) == (5, False)
    assert resumed.history[-1].lr["projectors"] < 0.3e-12
    saved = saved_config(resumed.path)
    assert saved is not None
    assert saved.optim.patience == 0


def test_progress_is_that_of_the_run(make_fit: MakeFit) -> None:
    """48 photos with two captions in batches of 16 are six steps an epoch."""
    seen: list[tuple[str, int, int]] = []
    make_fit(epochs=2)(progress=lambda *step: seen.append(step))
    assert [step for step in seen if step[0].startswith("epoch")] == [
        (f"epoch {1 + done // 6}/2", done + 1, 12) for done in range(12)
    ]


def test_history_has_a_line_for_each_epoch(frozen_run: Run) -> None:
    lines = [json.loads(line) for line in (frozen_run.path / CheckpointFiles.HISTORY).read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert lines[0].keys() == {"epoch", "loss", "lr", "temperature", "seconds", "dev"}
    assert lines[0]["lr"].keys() == {"projectors"}


@pytest.fixture
def copy(frozen_run: Run, tmp_path: Path) -> Path:
    """A copy of a finished run, to resume or to damage."""
    return shutil.copytree(frozen_run.path, tmp_path / "out")


def test_resuming_a_finished_run_changes_nothing(make_fit: MakeFit, copy: Path) -> None:
    before = (copy / CheckpointFiles.LAST).read_bytes()
    assert len(make_fit(copy, epochs=2)(resume=True).history) == 2
    assert (copy / CheckpointFiles.LAST).read_bytes() == before


def test_an_epoch_whose_state_was_not_written_is_trained_again(make_fit: MakeFit, copy: Path, frozen_run: Run) -> None:
    """The run was killed after it wrote weights and history: the state is written last."""
    (copy / CheckpointFiles.LAST).unlink()
    again = make_fit(copy, epochs=2)(resume=True)
    assert [record.loss for record in again.history] == [record.loss for record in frozen_run.history]


def test_a_folder_with_a_run_is_refused(make_fit: MakeFit, frozen_run: Run) -> None:
    with pytest.raises(RunExists, match="contains a run; continue it with --resume"):
        make_fit(frozen_run.path, epochs=2)()


def test_a_run_that_another_process_trains_is_refused(make_fit: MakeFit, copy: Path, frozen_run: Run) -> None:
    with Run(copy, frozen_run.config).locked(), pytest.raises(RunExists, match="another process trains this run"):
        make_fit(copy, epochs=2)(resume=True)
    make_fit(copy, epochs=2)(resume=True)


def test_the_settings_that_differ_are_named(make_fit: MakeFit, frozen_run: Run) -> None:
    with pytest.raises(RunMismatch, match=r"optim\.epochs: 3, not 2; optim\.seed: 5, not 0"):
        make_fit(frozen_run.path, epochs=3, seed=5)(resume=True)


def test_a_damaged_state_is_refused(make_fit: MakeFit, copy: Path) -> None:
    (copy / CheckpointFiles.LAST).write_bytes(b"PK half")
    with pytest.raises(RunMismatch, match=r"last\.pt: expected the state of a run"):
        make_fit(copy, epochs=2)(resume=True)


def test_a_state_of_another_format_is_refused(make_fit: MakeFit, copy: Path) -> None:
    state = torch.load(copy / CheckpointFiles.LAST, weights_only=True)
    torch.save({**state, "format": 2}, copy / CheckpointFiles.LAST)
    with pytest.raises(RunMismatch, match=r"last\.pt: format 2, this photoseek reads format 1; upgrade"):
        make_fit(copy, epochs=2)(resume=True)


def test_a_run_of_another_format_is_refused(make_fit: MakeFit, copy: Path) -> None:
    config = copy / CheckpointFiles.CONFIG
    config.write_text(json.dumps({**json.loads(config.read_text()), "format": FORMAT + 1}))
    with pytest.raises(CheckpointIncompatible, match=f"checkpoint format {FORMAT + 1}"):
        make_fit(copy, epochs=2)(resume=True)


def test_a_folder_with_other_files_is_refused(make_fit: MakeFit, bert: Path) -> None:
    """Also with --resume, and although a Hugging Face folder has a config.json."""
    with pytest.raises(RunExists, match="found files in it"):
        make_fit(bert, epochs=1)(resume=True)


@pytest.mark.parametrize("tune", ["none", "text"])
def test_random_weights_cannot_stay_frozen(make_fit: MakeFit, bert: Path, tune: str) -> None:
    optim = make_fit(tune=tune).settings.optim
    with pytest.raises(SettingsError, match="are random; pass --image-weights, or train the tower: --tune both"):
        FitSettings(ModelInit(str(bert), "none"), optim=optim)


@pytest.mark.parametrize(
    "setting",
    [
        {"epochs": 0},
        {"batch_size": 1},
        {"lr": 0.0},
        {"tune": "all"},
        {"warmup": 1.0},
        {"seed": -1},
        {"loss": "l2"},
        {"ema": 1.0},
        {"mask_tokens": 1.0},
        {"mask_tokens": 0.1},  # with a frozen text tower
    ],
)
def test_invalid_settings_are_named(make_fit: MakeFit, setting: dict[str, object]) -> None:
    (name,) = setting
    with pytest.raises(SettingsError, match=f"^{name}: expected .*, found"):
        make_fit(**setting)


def test_views_need_a_frozen_image_tower(make_fit: MakeFit) -> None:
    with pytest.raises(SettingsError, match=r"^views: expected 0 with a trained image tower.*found 2"):
        make_fit(tune="image", augment=AugmentConfig(views=2))
    with pytest.raises(SettingsError, match=r"^views: expected 0 or more, found -1"):
        AugmentConfig(views=-1)


def test_views_are_encoded_once_and_trained_on(make_fit: MakeFit) -> None:
    run = make_fit(tune="text", epochs=12, mask_tokens=0.1, augment=AugmentConfig(crop_scale=0.8, views=2))()
    assert run.best is not None
    assert run.best.dev.rsum > 1.5 * CHANCE_RSUM
    encoded = np.load(run.path / CheckpointFiles.FEATURES / f"{VIEWS}.npy")
    assert encoded.shape == (2 * 48, 512)
    assert len(np.unique(encoded.round(4), axis=0)) == len(encoded)


def test_a_photo_in_both_splits_is_refused(make_fit: MakeFit) -> None:
    fit = make_fit(epochs=1)
    with pytest.raises(DataError, match="16 photos are in both the training split and the dev split"):
        Fit(fit.dev, fit.dev, fit.settings, fit.out)()


class Stopped(Exception):
    """Raised to stop a run after its first epoch."""


def test_photos_that_do_not_fit_in_memory_give_the_same_result(make_fit: MakeFit, image_run: Run) -> None:
    losses = []

    def stop(record: EpochRecord) -> None:
        losses.append(record.loss)
        raise Stopped

    with pytest.raises(Stopped):
        make_fit(tune="image", epochs=5, resources=FitResources(workers=1, photo_memory=0))(on_epoch=stop)
    assert losses == pytest.approx([image_run.history[0].loss], abs=1e-6)


def test_a_loss_that_is_not_finite_stops_the_run(make_fit: MakeFit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "photoseek_train.training.objectives.info_nce", lambda *_: torch.tensor(torch.nan, requires_grad=True)
    )
    with pytest.raises(RunDiverged, match="epoch 1, step 1: the loss is nan; decrease the learning rates"):
        make_fit(epochs=1)()
