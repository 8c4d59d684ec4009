"""Each command of ``photoseek-train``."""

from __future__ import annotations

import html
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from photoseek.cli import output
from photoseek_train.cli.app import app, main
from photoseek_train.cli.fit import RunOptions
from photoseek_train.cli.progress_bars import progress_bars
from photoseek_train.errors import SettingsError
from photoseek_train.progress import format_duration
from photoseek_train.training.fit import Fit
from photoseek_train.training.run_folder import Run
from toy_world import World


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def data(world: World) -> list[object]:
    return ["--images", world.images, "--captions", world.captions]


def small(bert: Path, resnet: Path) -> list[object]:
    return ["--text-model", bert, "--image-weights", resnet, "--image-size", 32, "--max-tokens", 24]


def test_features_then_fit_then_evaluate(world: World, bert: Path, resnet: Path, tmp_path: Path) -> None:
    extracted = call("features", *data(world), *small(bert, resnet), "--out", tmp_path / "f")
    assert extracted.stdout.endswith("f: features of 64 photos and 128 captions\n")
    before = (tmp_path / "f" / "image_embeddings.npy").stat().st_mtime_ns

    split = ["--train", world.train, "--dev", world.dev, "--features", tmp_path / "f", "--out", tmp_path / "run"]
    fitted = call("fit", *data(world), *small(bert, resnet), *split, "--epochs", 2, "--batch-size", 16)
    assert fitted.stderr.startswith("train: 48 photos and 96 captions; dev: 16 photos and 32 captions\nepoch 1/2: ")
    assert re.search(r"epoch 1/2: loss .* s, about [\d.]+ s left\n", fitted.stderr)
    assert re.search(r"epoch 2/2: loss .*, [\d.]+ s\n", fitted.stderr)
    assert fitted.stdout.endswith(f"report: {tmp_path / 'run' / 'report.html'}\n")
    assert "of 16 images" in fitted.stdout
    assert (tmp_path / "f" / "image_embeddings.npy").stat().st_mtime_ns == before

    table = call("evaluate", tmp_path / "run", *data(world), "--split", world.dev)
    assert "of 16 images" in table.stdout
    assert "of 32 captions" in table.stdout
    answer = json.loads(call("evaluate", tmp_path / "run", *data(world), "--split", world.dev, "--json").stdout)
    dev = json.loads((tmp_path / "run" / "metrics.json").read_text())["dev"]
    interval = answer.pop("interval")
    assert answer == {**dev, "precision": "fp32"}
    assert interval["rsum"][0] <= dev["rsum"] <= interval["rsum"][1]


@pytest.mark.parametrize(
    ("command", "dropout"),
    [
        (["fit"], 0.4),
        (["distill", "--teacher", "demo"], 0.0),
        (["distill", "--teacher", "demo", "--dropout", 0.2], 0.2),
    ],
)
def test_features_are_dropped_by_default_unless_a_teacher_is_learned_from(
    world: World,
    bert: Path,
    resnet: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: list[object],
    dropout: float,
) -> None:
    runs: list[Fit] = []
    monkeypatch.setattr(RunOptions, "run", lambda _, run: runs.append(run))
    split = ["--train", world.train, "--dev", world.dev, "--out", tmp_path / "run"]
    call(*command, *data(world), *small(bert, resnet), *split)
    assert [run.settings.sources.dropout for run in runs] == [dropout]


def test_captions_without_splits_are_split_by_fit(world: World, bert: Path, resnet: Path, tmp_path: Path) -> None:
    """One of 20 photos is for dev; their names are saved, for the report and for other commands."""
    run = tmp_path / "run"
    command = [
        "fit",
        *data(world),
        *small(bert, resnet),
        "--epochs",
        4,
        "--batch-size",
        16,
        "--lr",
        1e-12,
        "--out",
        run,
    ]
    fitted = call(*command, "--patience", 1)
    assert "train: 61 photos and 122 captions; dev: 3 photos and 6 captions\n" in fitted.stderr
    assert "stopped after epoch 2: no better rsum in 1 epochs; --resume --patience 0 continues" in fitted.stderr
    dev = (run / "dev.txt").read_text().split()
    assert len(dev) == 3
    assert "of 3 images" in call("evaluate", run, *data(world), "--split", run / "dev.txt").stdout
    assert call("report", run).stdout.strip() == str(run / "report.html")
    resumed = call(*command, "--patience", 0, "--resume")
    assert "epoch 4/4" in resumed.stderr
    assert "stopped after" not in resumed.stderr
    assert (run / "dev.txt").read_text().split() == dev


def test_the_report_has_the_command_lines_of_the_run(
    world: World, bert: Path, resnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "a <run>"
    words = ["fit", *data(world), *small(bert, resnet), "--train", world.train, "--dev", world.dev, "--epochs", 1]
    command = [*map(str, words), "--batch-size", "16", "--out", str(run)]
    for more in ([], ["--resume"], ["--resume"]):
        monkeypatch.setattr(sys, "argv", ["photoseek-train", *command, *more])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
    first = shlex.join(["photoseek-train", *command])
    assert json.loads((run / "commands.json").read_text()) == [first, f"{first} --resume"]
    page = (run / "report.html").read_text("utf-8")
    shown = page[page.index('<pre class="commands">') : page.index("</pre>")]
    assert html.unescape(shown).endswith(f">{first}\n{first} --resume\n")
    assert "a <run>" not in shown


def test_all_epochs_share_a_bar_with_the_time_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    bars: list[tuple[str, str, float | None, list[tuple[int, int, str | None]]]] = []

    @contextmanager
    def bar(description: str, unit: str, period: float | None) -> Iterator[output.BarUpdate]:
        updates: list[tuple[int, int, str | None]] = []
        bars.append((description, unit, period, updates))
        yield lambda done, total, description=None: updates.append((done, total, description))

    monkeypatch.setattr("photoseek_train.cli.progress_bars.progress_bar", bar)
    with progress_bars() as progress:
        for step in (("image_embeddings", 1, 2), ("epoch 1/2", 1, 4), ("epoch 2/2", 3, 4), ("encoding", 1, 1)):
            progress(*step)
    assert [(name, unit) for name, unit, _, _ in bars] == [
        ("image_embeddings", "photos"),
        ("epoch 1/2", "steps"),
        ("encoding", "photos"),
    ]
    assert bars[1][2] == 600  # the evaluation between two epochs is a part of the time
    assert bars[1][3] == [(1, 4, "epoch 1/2"), (3, 4, "epoch 2/2")]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.21, "4.2 s"), (75.4, "75 s"), (720, "12 min"), (11_100, "3 h 05 min"), (float("nan"), "unknown")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_compact_then_fit_from_scratch(world: World, tmp_path: Path) -> None:
    bert = tmp_path / "bert"
    shape = ["--layers", 1, "--hidden", 16, "--heads", 2, "--vocabulary", 200]
    words = ["--captions", world.captions, "--split", world.train]
    assert "a BERT of 1 layers, 16 wide" in call("compact", *words, "--out", bert, *shape).stdout
    towers = ["--text-model", bert, "--image-weights", "none", "--tune", "both", "--image-size", 32, "--no-flip"]
    split = ["--train", world.train, "--dev", world.dev, "--out", tmp_path / "run", "--resize", "squash"]
    command = ["fit", *data(world), *towers, *split, "--epochs", 1, "--batch-size", 16]
    assert call(*command).exit_code == 0
    assert call(*command, "--resume").exit_code == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["augment"]["crop_scale"], config["augment"]["flip"]) == (0.8, False)
    assert not any(config["augment"][name] for name in ("color", "gray", "erase", "size", "first_size"))
    assert config["preprocessing"]["do_center_crop"] is False


def test_shorten_then_fit(english: Path, world: World, bert: Path, tmp_path: Path) -> None:
    words = ["--captions", world.captions, "--split", world.train]
    short = tmp_path / "short"
    assert "a BERT of 1 layers" in call("shorten", bert, *words, "--layers", 1, "--out", short).stdout
    split = ["--train", world.train, "--dev", world.dev, "--epochs", 1, "--batch-size", 16, "--max-tokens", 24]
    more = ["--from", english, "--text-model", short, "--tune", "text", "--out", tmp_path / "run"]
    assert call("fit", *data(world), *split, *more).exit_code == 0


def test_fit_continues_from_a_checkpoint_with_its_preprocessing(world: World, english: Path, tmp_path: Path) -> None:
    split = ["--train", world.train, "--dev", world.dev, "--epochs", 1, "--batch-size", 16, "--max-tokens", 24]
    more = ["--from", english, "--tune", "text", "--out", tmp_path / "b"]
    assert call("fit", *data(world), *split, *more).exit_code == 0
    configs = [json.loads((path / "config.json").read_text()) for path in (english, tmp_path / "b")]
    assert configs[0]["preprocessing"] == configs[1]["preprocessing"]
    soup = call("average", english, tmp_path / "b", "--out", tmp_path / "soup")
    assert "soup: average of 2 checkpoints" in soup.stdout
    assert "of 16 images" in call("evaluate", tmp_path / "soup", *data(world), "--split", world.dev).stdout
    larger = ["--from", english, "--tune", "image", "--image-size", 48, "--out", tmp_path / "larger"]
    assert call("fit", *data(world), *split, *larger).exit_code == 0
    seen = json.loads((tmp_path / "larger" / "config.json").read_text())["preprocessing"]
    assert seen["size"] == {"height": 48, "width": 48}
    assert seen["do_center_crop"] is False  # resized to a square, as for the checkpoint
    with pytest.raises(
        SettingsError, match=r"^image_size and resize: expected those of .*, whose image side is frozen"
    ):
        call("fit", *data(world), *split, *more[:-1], tmp_path / "d", "--freeze-images", "--image-size", 48)
    with pytest.raises(SettingsError, match=r"^image_size: expected at least 32, found 0"):
        call("fit", *data(world), *split, *more[:-1], tmp_path / "e", "--image-size", 0)
    with pytest.raises(SettingsError, match=r"^text_model: expected a BERT, or a checkpoint .*--from"):
        call("fit", *data(world), *split, "--out", tmp_path / "c")


def test_fit_trains_a_new_text_tower_against_the_images_of_a_checkpoint(
    world: World, bert: Path, frozen_run: Run, tmp_path: Path
) -> None:
    split = ["--train", world.train, "--dev", world.dev, "--epochs", 1, "--batch-size", 16, "--no-report"]
    towers = ["--from", frozen_run.path, "--text-model", bert, "--max-tokens", 20, "--pooling", "cls"]
    assert call("fit", *data(world), *split, *towers, "--tune", "text", "--out", tmp_path / "b").exit_code == 0
    first, second = (json.loads((path / "config.json").read_text()) for path in (frozen_run.path, tmp_path / "b"))
    assert first["preprocessing"] == second["preprocessing"]
    assert (first["optim"]["freeze_images"], second["optim"]["freeze_images"]) == (False, True)
    assert (second["model"]["pooling"], second["model"]["max_tokens"]) == ("cls", 20)
    with pytest.raises(SettingsError, match="tune: expected none or text"):
        call("fit", *data(world), *split, *towers, "--tune", "both", "--out", tmp_path / "c")


def test_a_usage_error_has_exit_code_2(world: World) -> None:
    assert call("fit", *data(world)).exit_code == 2
    assert call("nonsense").exit_code == 2


def test_an_error_is_one_line(
    world: World, bert: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    split = ["--train", world.train, "--dev", world.dev, "--text-model", bert, "--image-weights", "none"]
    arguments = ["fit", *data(world), *split, "--out", "anywhere"]
    monkeypatch.setattr(sys, "argv", ["photoseek-train", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("photoseek-train: tune 'none' freezes the image tower, but image weights 'none' are random")
    monkeypatch.setattr(sys, "argv", ["photoseek-train", "--debug", *map(str, arguments)])
    with pytest.raises(SettingsError):
        main()
    output.set_debug(False)  # for the other tests


def test_the_error_for_a_missing_extra_names_the_command_that_installs_it(world: World) -> None:
    command = ["photoseek-train", "evaluate", "anywhere", *map(str, data(world))]
    script = f"import sys; sys.modules['torch'] = None; sys.argv = {command!r}\n"  # importing it fails
    script += "from photoseek_train.cli.app import main; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    expected = "photoseek-train: torch is not installed; install it with: pip install 'photoseek[train]'\n"
    assert (done.returncode, done.stderr) == (1, expected)


def test_help_loads_no_torch() -> None:
    """Help is fast, and works without the extra."""
    script = "import sys, photoseek_train, photoseek_train.cli.app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
