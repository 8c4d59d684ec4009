"""Data-parallel training: several processes compute the result of one."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import pytest
import torch

import torture
import two_processes
from photoseek_train.config import OptimConfig
from photoseek_train.data.batches import Batch, check_batch_size, sample_batches
from photoseek_train.distributed import SINGLE_PROCESS, env_world_size
from photoseek_train.errors import RunMismatch, SettingsError
from photoseek_train.evaluation.evaluate import evaluate
from toy_world import World


def test_the_shards_of_a_batch_add_up_to_it(world: World) -> None:
    """Consecutive photos, each with its captions."""
    config = OptimConfig(tune="both", batch_size=7, captions_per_photo=2)
    for batch in sample_batches(world.split("train"), config, epoch=1):
        shards = batch.split(3)
        assert [len(shard.photos) for shard in shards] == [2, 2, 3]
        np.testing.assert_array_equal(np.concatenate([shard.photos for shard in shards]), batch.photos)
        np.testing.assert_array_equal(np.concatenate([shard.captions for shard in shards]), batch.captions)
        for shard in shards:
            np.testing.assert_array_equal(world.split("train").image_of_text[shard.captions], shard.image_ids)


def test_a_single_process_has_the_full_batch() -> None:
    batch = Batch(np.arange(3), np.arange(4), np.array([0, 1, 1, 2]))
    (shard,) = batch.split(SINGLE_PROCESS.count)
    assert shard.image_ids.tolist() == [0, 1, 1, 2]
    rows = torch.randn(3, 2)
    assert SINGLE_PROCESS.gather(rows, [3]) is rows


LAUNCHER = [
    sys.executable, "-m", "accelerate.commands.launch", "--num_machines", "1", "--dynamo_backend", "no",
    "--mixed_precision", "no", "--num_cpu_threads_per_process", "1", "--main_process_port", "0",
    "--multi_gpu", "--num_processes", "2",  # accelerate's word for more than one; they compute on the CPU
]  # fmt: skip


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def launch(*words: object) -> str:
    """Launch the processes; return their standard error."""
    command = [*LAUNCHER, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "history.jsonl").read_text().splitlines()]


class Launched(NamedTuple):
    """The runs of two processes, and their standard error."""

    out: Path
    stderr: str


@pytest.fixture(scope="module")
def launched(world: World, bert: Path, resnet: Path, tmp_path_factory: pytest.TempPathFactory) -> Launched:
    """Launch once for all tests: starting PyTorch in three processes takes longer than the runs."""
    out = tmp_path_factory.mktemp("launched")
    return Launched(out, launch(two_processes.__file__, json.dumps([*map(str, world)]), bert, resnet, out))


@pytest.mark.slow
def test_two_processes_compute_the_result_of_one(
    launched: Launched, world: World, bert: Path, resnet: Path, tmp_path: Path
) -> None:
    """Without trained batch norms and dropout, the gradient of a batch does not depend on how it is split."""
    one = two_processes.fit_on(world, bert, resnet, two_processes.FROZEN, tmp_path)().path
    two = launched.out / "frozen"
    states = [torch.load(run / "last.pt", weights_only=True) for run in (one, two)]
    assert [state["processes"] for state in states] == [1, 2]
    for name, tensor in states[0]["weights"]["image_projector"].items():
        torch.testing.assert_close(states[1]["weights"]["image_projector"][name], tensor, rtol=1e-3, atol=1e-4)
    assert losses(two) == pytest.approx(losses(one), rel=1e-4)
    measured = json.loads((two / "metrics.json").read_text())["dev"]
    assert evaluate(two, world.split("dev")).metrics.to_json() == measured


@pytest.mark.slow
def test_only_the_first_process_reports(launched: Launched) -> None:
    assert [launched.stderr.count(f"epoch {epoch}/2: loss") for epoch in (1, 2)] == [1, 1]
    assert launched.stderr.count("train: 48 photos") == 1


@pytest.mark.slow
def test_two_processes_resume_to_the_same_result(launched: Launched, world: World, bert: Path, resnet: Path) -> None:
    """Both towers are trained, with CutMix and a moving average; both processes resume from the files of the first."""
    uninterrupted, resumed = (losses(launched.out / name) for name in ("both", "both-resumed"))
    assert len(uninterrupted) == 3
    assert resumed == pytest.approx(uninterrupted, abs=1e-5)
    assert uninterrupted[-1] < uninterrupted[0]
    with pytest.raises(RunMismatch, match="used 2 processes, found 1; launch the same number"):
        two_processes.fit_on(world, bert, resnet, two_processes.BOTH, launched.out / "both")(resume=True)


@pytest.mark.slow
@pytest.mark.skipif(torture.rounds(1) < 10, reason="minutes long: run by make torture")
def test_killed_processes_resume_to_the_same_result(
    launched: Launched, world: World, bert: Path, resnet: Path, tmp_path: Path
) -> None:
    """SIGKILL at random moments; each time, the run is resumed."""
    chance = random.Random(torture.seed("killed processes"))
    words = two_processes.command(world, bert, resnet, two_processes.BOTH, tmp_path / "run")
    command = [*LAUNCHER, "-m", "photoseek_train", *words, "--resume"]
    kills = torture.rounds(0.3)
    for _ in range(kills):
        launch_and_kill(command, tmp_path / "run" / "config.json", chance.uniform(0, 5))
    launch("-m", "photoseek_train", *words, "--resume")
    assert losses(tmp_path / "run") == pytest.approx(losses(launched.out / "both"), abs=1e-5)
    torture.report("two training processes killed", kills)


def launch_and_kill(words: list[str], config: Path, after: float) -> None:
    """Launch a run, and kill all of its processes some seconds after it started to write."""
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()) as run:
        until = time.monotonic() + 300
        while not config.is_file() and run.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        with suppress(subprocess.TimeoutExpired):
            run.wait(after)
        try:
            processes = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes[1:], timeout=30)


def test_batches_too_small_for_the_processes_are_refused(world: World) -> None:
    """Batch norm needs two photos; frozen towers one caption."""
    for tune, count, least in (("image", 2, 4), ("none", 4, 4)):
        config = OptimConfig(tune=tune, batch_size=3)
        with pytest.raises(SettingsError, match=f"batch_size: expected at least {least} in every batch for {count}"):
            check_batch_size(sample_batches(world.split("dev"), config, epoch=1), config, count)


@pytest.mark.parametrize("name", ["WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"])
def test_the_number_of_processes_comes_from_the_launcher(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert env_world_size() == 1
    monkeypatch.setenv(name, "3")
    assert env_world_size() == 3
