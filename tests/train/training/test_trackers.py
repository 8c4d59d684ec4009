"""Experiment trackers: each epoch of a run is logged, also of a resumed one; a tracker never ends a run."""

from __future__ import annotations

import logging
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from accelerate import PartialState

from photoseek_train.config import FitResources
from photoseek_train.errors import SettingsError, TrackerError
from photoseek_train.training.trackers import FOLDER, epoch_values, installed_trackers
from toy_world import MakeFit, train_and_resume

Events = dict[str, list[tuple[int, float]]]


class Tracker:
    """A tracker like those of accelerate, which fails where it is told to."""

    requires_logging_directory = False
    fails_in = ""

    def __init__(self, run_name: str) -> None:
        self.calls: list[tuple[str, Any]] = [("name", run_name)]
        RUNS.append(self)

    def start(self) -> None:
        assert PartialState._shared_state, "W&B's tracker logs in accelerate, which needs its state"
        self.call("start")

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        self.call("settings", values)

    def log(self, values: dict[str, float], step: int) -> None:
        self.call("log", (step, values))

    def finish(self) -> None:
        self.call("finish")

    def call(self, name: str, given: Any = None) -> None:
        self.calls.append((name, given))
        if self.fails_in == name:
            raise RuntimeError(f"no\nserver in {name}")


RUNS: list[Tracker] = []


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[Tracker]:
    """A tracker by the name of one that accelerate knows."""
    RUNS.clear()
    PartialState._reset_state()
    monkeypatch.setitem(sys.modules["accelerate.tracking"].LOGGER_TYPE_TO_CLASS, "aim", Tracker)
    monkeypatch.setattr("accelerate.tracking.get_available_trackers", lambda: ["aim"])
    monkeypatch.setattr(Tracker, "fails_in", "")
    return Tracker


def tracked(name: str) -> FitResources:
    return FitResources(log_with=[name])


def read_events(run: Path) -> Events:
    """Read the numbers that TensorBoard shows."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / FOLDER)).Reload()
    return {tag: [(each.step, each.value) for each in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_tensorboard_shows_every_epoch_once_also_of_a_resumed_run(
    make_fit: MakeFit, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")

    def refuse(*_: object) -> None:
        raise AssertionError("a local tracker uses no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for run in train_and_resume(make_fit(epochs=3, resources=tracked("tensorboard"))):
        events = read_events(run.path)
        assert {"loss", "lr/projectors", "temperature", "dev/rsum", "dev/text_to_image/r10"} <= events.keys()
        for record in run.history:
            for name, value in epoch_values(record).items():
                found = [number for step, number in events[name] if step == record.epoch]
                assert found == pytest.approx([value], rel=1e-6), name


@pytest.mark.usefixtures("fake")
def test_without_a_request_no_installed_tracker_is_started(make_fit: MakeFit) -> None:
    run = make_fit(epochs=1)()
    assert RUNS == []
    assert not (run.path / FOLDER).exists()


@pytest.mark.usefixtures("fake")
def test_a_tracker_gets_settings_epochs_and_the_end(make_fit: MakeFit) -> None:
    run = make_fit(epochs=2, resources=tracked("all"))()
    (tracker,) = RUNS
    assert [name for name, _ in tracker.calls] == ["name", "start", "settings", "log", "log", "finish"]
    settings = dict(tracker.calls)["settings"]
    assert (settings["optim.epochs"], settings["data.train_images"], settings["optim.tune"]) == (2, 48, "none")
    assert all(isinstance(value, bool | int | float | str) for value in settings.values())
    assert not any("text_architecture" in name for name in settings)
    logged = [given for name, given in tracker.calls if name == "log"]
    assert logged == [(record.epoch, epoch_values(record)) for record in run.history]


def test_a_tracker_that_cannot_start_is_reported_before_the_first_epoch(
    make_fit: MakeFit, fake: type[Tracker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "fails_in", "settings")
    fit = make_fit(epochs=2, resources=tracked("aim"))
    with pytest.raises(TrackerError, match=r"^aim cannot be started: no server in settings; log in or .* --log-with"):
        fit()
    monkeypatch.setattr(fake, "fails_in", "")
    assert len(fit(resume=True).history) == 2


def test_a_tracker_that_fails_later_does_not_end_the_run(
    make_fit: MakeFit, fake: type[Tracker], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fake, "fails_in", "log")
    with caplog.at_level(logging.WARNING):
        assert len(make_fit(epochs=3, resources=tracked("aim"))().history) == 3
    assert caplog.messages == ["aim failed, and the run continues without it: no server in log"]


def test_unknown_and_missing_trackers_are_refused_before_anything_is_read(make_fit: MakeFit) -> None:
    with pytest.raises(SettingsError, match=r"^log_with: expected .*tensorboard, .*wandb or all, found 'excel'"):
        make_fit(epochs=1, resources=tracked("excel"))()
    fit = make_fit(epochs=1, resources=tracked("clearml"))
    with pytest.raises(SettingsError, match="clearml is not installed; install it with: pip install clearml"):
        fit()
    assert not fit.out.exists()


def test_all_needs_at_least_one_tracker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accelerate.tracking.get_available_trackers", list)
    with pytest.raises(SettingsError, match=r"found no tracker of .*; pip install tensorboard, or another"):
        installed_trackers(["all"])
    assert installed_trackers([]) == []
