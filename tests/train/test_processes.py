"""Several processes train one model: what one has learned, all have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from photoseek_train.config import OptimConfig
from photoseek_train.errors import SettingsError
from photoseek_train.evaluate import evaluate
from photoseek_train.plan import Batch, expect_parts, plan_epoch
from photoseek_train.processes import ALONE, announced_count
from toy_world import World


def test_a_batch_is_split_into_parts_that_make_the_whole(world: World) -> None:
    """Photos in turn, each with its own captions."""
    config = OptimConfig(tune="both", batch_size=7, captions_per_photo=2)
    for batch in plan_epoch(world.split("train"), config, epoch=1):
        parts = batch.split(3)
        assert [len(part.photos) for part in parts] == [2, 2, 3]
        np.testing.assert_array_equal(np.concatenate([part.photos for part in parts]), batch.photos)
        np.testing.assert_array_equal(np.concatenate([part.captions for part in parts]), batch.captions)
        for part in parts:
            np.testing.assert_array_equal(world.split("train").image_of_text[part.captions], part.image_ids)


def test_one_process_has_all_of_a_batch() -> None:
    batch = Batch(np.arange(3), np.arange(4), np.array([0, 1, 1, 2]))
    (whole,) = batch.split(ALONE.count)
    assert whole.image_ids.tolist() == [0, 1, 1, 2]
    rows = torch.randn(3, 2)
    assert ALONE.gather(rows, [3]) is rows


def command(world: World, bert: Path, resnet: Path, out: Path, processes: int, *options: str) -> list[str]:
    """``photoseek-train fit`` under accelerate's launcher."""
    fit = {
        "--images": world.images, "--captions": world.captions, "--train": world.train, "--dev": world.dev,
        "--text-model": bert, "--image-weights": resnet, "--image-size": 32, "--resize": "squash", "--max-tokens": 24,
        "--batch-size": 16, "--lr": 1e-2, "--dropout": 0, "--precision": "fp32", "--out": out,
    }  # fmt: skip
    several = ["--multi_gpu"] if processes > 1 else []  # accelerate's word for more than one; they compute on the CPU
    return [
        sys.executable, "-m", "accelerate.commands.launch", *several, "--num_machines", "1", "--dynamo_backend", "no",
        "--mixed_precision", "no", "--num_cpu_threads_per_process", "1", "--num_processes", str(processes),
        "--main_process_port", "0", "-m", "photoseek_train", "fit", "--device", "cpu",
        *(str(word) for pair in fit.items() for word in pair), *options,
    ]  # fmt: skip


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def launch(words: list[str]) -> str:
    """What a run that ends well wrote to standard error."""
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def launch_and_kill(words: list[str], history: Path) -> None:
    """Kill all processes of a run when an epoch is over."""
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()) as run:
        until = time.monotonic() + 300
        while not history.is_file() and run.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        try:
            whole = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in whole:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(whole[1:], timeout=30)


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "history.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(world: World, bert: Path, resnet: Path, tmp_path: Path) -> None:
    """Without batch norms and dropout that learn, the gradient of a batch is the same, however it is split."""
    for processes in (1, 2):
        launch(command(world, bert, resnet, tmp_path / str(processes), processes, "--epochs", "2"))
    states = [torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("1", "2")]
    assert [state["processes"] for state in states] == [1, 2]
    for name, tensor in states[0]["weights"]["image_projector"].items():
        torch.testing.assert_close(states[1]["weights"]["image_projector"][name], tensor, rtol=1e-3, atol=1e-4)
    one, two = (losses(tmp_path / name) for name in ("1", "2"))
    assert two == pytest.approx(one, rel=1e-4)
    measured = json.loads((tmp_path / "2" / "metrics.json").read_text())["dev"]
    assert evaluate(tmp_path / "2", world.split("dev")).metrics.to_json() == measured


@pytest.mark.slow
def test_two_processes_that_were_killed_go_on_as_if_never_stopped(
    world: World, bert: Path, resnet: Path, tmp_path: Path
) -> None:
    """Both towers learn. The first process alone tells and writes; what it wrote, both go on from."""
    rates = ["--image-lr", "1e-3", "--text-lr", "1e-3"]
    options = ["--tune", "both", "--mix", "0.5", "--ema", "0.9", "--epochs", "3", *rates]
    whole, parts = (command(world, bert, resnet, tmp_path / name, 2, *options) for name in ("whole", "parts"))
    told = launch(whole)
    assert [told.count(f"epoch {epoch}/3: loss") for epoch in (1, 2, 3)] == [1, 1, 1]
    launch_and_kill(parts, tmp_path / "parts" / "history.jsonl")
    launch([*parts, "--resume"])
    assert losses(tmp_path / "parts") == pytest.approx(losses(tmp_path / "whole"), abs=1e-5)
    assert losses(tmp_path / "whole")[-1] < losses(tmp_path / "whole")[0]
    with pytest.raises(AssertionError, match="was made by 2 processes, found 1; launch as many as before"):
        launch([*command(world, bert, resnet, tmp_path / "whole", 1, *options), "--resume"])


def test_batches_too_small_for_the_processes_are_refused(world: World) -> None:
    """Batch norm needs two photos; frozen towers one caption."""
    for tune, count, least in (("image", 2, 4), ("none", 4, 4)):
        config = OptimConfig(tune=tune, batch_size=3)
        with pytest.raises(SettingsError, match=f"batch_size: expected at least {least} in every batch for {count}"):
            expect_parts(plan_epoch(world.split("dev"), config, epoch=1), config, count)


@pytest.mark.parametrize("name", ["WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"])
def test_launchers_announce_how_many_there_are(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert announced_count() == 1
    monkeypatch.setenv(name, "3")
    assert announced_count() == 3
