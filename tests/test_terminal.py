"""No command of the three programs gives a terminal, or a pipe, text of others that it would obey."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import typer

import photoseek.cli.app
import photoseek_export.cli
import photoseek_train.cli.app
from command_driver import Printed, Run, run_all
from hostile_text import HOSTILE, SHOWN, raw_characters
from photoseek import Bundle, Gallery
from photoseek.captions import Caption
from tiny_bundle import COLORS, write_tiny_bundle
from tiny_photos import write_color

ROOT = Path(__file__).parents[1]
APPS = {
    "photoseek": photoseek.cli.app.app,
    "photoseek-train": photoseek_train.cli.app.app,
    "photoseek-export": photoseek_export.cli.app,
}
PRINTERS = {"output.py", "terminal.py"}
SEQUENCES = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[hl]|[0-9]*[AK])")  # colours, the cursor of a progress bar
REDIRECTS = {"ray_output.py"}  # redirects the streams of this process to silence Ray


@dataclass(frozen=True)
class Command:
    """A command line; ``shown``: that the hostile text is part of what it prints."""

    words: tuple[object, ...]
    code: int
    shown: bool = True
    lines: str = ""
    typed: str = ""


@dataclass(frozen=True)
class World:
    """Files whose names, and whatever they say, are hostile."""

    folder: Path
    photos: Path
    bundle: Path
    captions: Path
    stranger: Path
    damaged: Path

    @classmethod
    def make(cls, folder: Path) -> World:
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        world = cls(
            folder,
            folder / f"photos {HOSTILE}",
            folder / f"bundle {HOSTILE}",
            folder / f"captions {HOSTILE}.token",
            folder / f"stranger {HOSTILE}",
            folder / f"damaged {HOSTILE}",
        )
        for number, (name, color) in enumerate(COLORS.items()):
            write_color(world.photos / f"{name} {HOSTILE}.png", color, seed=number)
        (world.photos / f"broken {HOSTILE}.jpg").write_bytes(b"no photo")
        write_tiny_bundle(world.bundle, name=f"tiny {HOSTILE}")
        manifest = json.loads((world.bundle / "photoseek.json").read_text())
        facts = {"license": HOSTILE, "training": {HOSTILE: HOSTILE}}
        (world.bundle / "photoseek.json").write_text(json.dumps({**manifest, **facts}))
        plain = folder / "plain"
        plain.mkdir()
        for name, color in COLORS.items():
            write_color(plain / f"{name}.png", color)
        lines = [f"{name}.png#0\ta {name} picture" for name in COLORS]
        world.captions.write_text("\n".join(lines))
        (folder / "split.txt").write_text("gone \x1b[31m\u202e.png\n")
        with Gallery.create(world.photos, Bundle.load(world.bundle)) as gallery:
            gallery.index()
            gallery.add_captions([Caption("", 0, f"red {HOSTILE}")])
        shutil.copytree(world.photos, world.stranger)
        with sqlite3.connect(world.stranger / ".photoseek" / "gallery.sqlite") as connection:
            connection.execute("UPDATE meta SET value = ? WHERE key = 'photos'", (f"/elsewhere {HOSTILE}",))
        connection.close()
        shutil.copytree(world.bundle, world.damaged)
        (world.damaged / "config.json").write_text("{}")
        return world

    def commands(self) -> list[Command]:
        """Every command of ``photoseek``, where it succeeds and where it fails."""
        gone, here, bundle = self.folder / f"gone {HOSTILE}", self.photos, self.bundle
        data = ("--images", self.folder / "plain", "--captions", self.captions)
        of = ("--gallery", here)
        found = [
            Command(("demo", self.folder / "plain", "--query", "red"), 0, shown=False),
            Command(("demo", gone, "--query", "red"), 1),
            Command(("index", here), 0, shown=False),
            Command(("index", here, "--json"), 0),
            Command(("index", here, "--remove-bundle", HOSTILE), 1),
            Command(("index", gone, "--bundle", "demo"), 1),
            Command(("index", here, "--bundle", gone), 1),
            Command(("index", self.stranger), 1),
            Command(("search", "red", *of), 0),
            Command(("search", "red", *of, "--json"), 0),
            Command(("search", *of), 0, lines=f"red {HOSTILE}\n".replace("\n", " ") + "\n"),
            Command(("search", *of, "--json"), 0, lines="red \x1b[31m\u202e\n"),
            Command(("search", "red", *of, "--similar-to", HOSTILE), 2),
            Command(("search", "red", *of, "--folder", HOSTILE), 0, shown=False),
            Command(("search", "red", *of, "--engine", HOSTILE), 2),
            Command(("search", "red", *of, "--rerank", gone), 1),
            Command(("search", "red", *of, "--image", gone), 1),
            Command(("search", "red", *of, "--language", HOSTILE), 2),
            Command(("search", "red", *of, f"--{HOSTILE}"), 2),
            Command(("search", "red", "--gallery", gone), 1),
            Command(("search", "red", "--gallery", self.stranger), 1, typed="n\n"),
            Command(("--debug", "search", "red", "--gallery", gone), 1),
            Command((HOSTILE,), 2),
            Command(("captions", "describe", "--similar-to", f"red {HOSTILE}.png", *of), 0),
            Command(("captions", "describe", "--image", gone, *of), 1),
            Command(("captions", "add", gone, *of), 1),
            Command(("captions", "clear", "--gallery", gone), 1),
            Command(("evaluate", *data, "--bundle", bundle, "--resamples", 0), 0, shown=False),
            Command(("evaluate", *data, "--bundle", bundle, "--rerank", bundle, "--resamples", 0), 0),
            Command(("evaluate", "--images", gone, "--captions", self.captions), 1),
            Command(("calibrate", *data, "--bundle", gone), 1),
            Command(("bench", *of, "--repeats", 1, "--photos", 1), 0),
            Command(("bench", *of, "--queries", gone), 1),
            Command(("info", here), 0),
            Command(("info", here, "--json"), 0),
            Command(("info", bundle), 0),
            Command(("info", gone), 2),
            Command(("verify", here), 0),
            Command(("verify", bundle), 0),
            Command(("verify", self.damaged), 1),
            Command(("push", *of, "--store", f"nowhere://{HOSTILE}"), 2, shown=False),
            Command(("app", "--address", HOSTILE, "--no-browser"), 1),
            Command(("app", "--gallery", self.stranger, "--no-browser"), 1, typed="n\n"),
            Command(("serve", *of, "--token-file", gone), 1),
            Command(("serve", "--gallery", gone), 1),
        ]
        return [replace(each, words=("photoseek", *each.words)) for each in found]

    def making_commands(self) -> list[Command]:
        """Every command of ``photoseek-train`` and ``photoseek-export``."""
        gone = self.folder / f"gone {HOSTILE}"
        data = ("--images", self.folder / "plain", "--captions", self.captions)
        missing = ("--images", gone, "--captions", gone)
        found: list[tuple[tuple[object, ...], int]] = [
            (("train", "inspect", *data, "--train", self.folder / "split.txt"), 1),
            (("train", "inspect", *missing), 1),
            (("train", "keywords", "--captions", gone, "--out", gone), 1),
            (("train", "features", *missing, "--text-model", gone, "--out", gone), 1),
            (("train", "fit", *missing, "--text-model", gone, "--out", gone), 1),
            (("train", "fit", *missing, "--out", gone, "--from", gone), 1),
            (("train", "evaluate", gone, *data), 1),
            (("train", "report", gone), 1),
            (("train", "average", gone, gone, "--out", gone), 1),
            (("train", "transplant", gone, "--captions", gone, "--into", gone, "--out", gone), 1),
            (("train", "compact", "--captions", self.captions, "--out", self.folder / f"bert {HOSTILE}"), 0),
            (("train", HOSTILE), 2),
            (("export", gone, "--out", gone), 1),
            (("export", "--from-clip", gone, "--out", gone), 1),
            (("export", gone, "--out", gone, "--text", HOSTILE), 2),
        ]
        return [Command((f"photoseek-{words[0]}", *words[1:]), code) for words, code in found]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Made once: every command leaves it as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", os.environ["XDG_STATE_HOME"])
        return World.make(tmp_path_factory.mktemp("world"))


def walk(world: World, commands: list[Command], terminal: bool) -> list[Printed]:
    runs = [Run(tuple(map(str, each.words)), terminal, each.lines, each.typed) for each in commands]
    plain = {"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "1000", "XDG_STATE_HOME": str(world.folder / "state")}
    return run_all(runs, **plain, XDG_CACHE_HOME=str(world.folder / "cache"))


def names_of(app: typer.Typer, name: str) -> set[str]:
    """Every command of a program, as its user types it."""

    def below(command: object, words: str) -> set[str]:
        inner = getattr(command, "commands", {})
        return (
            {words} if not inner else {each for key, value in inner.items() for each in below(value, f"{words} {key}")}
        )

    return below(typer.main.get_command(app), name)


def check(commands: list[Command], printed: list[Printed]) -> None:
    wrong = []
    for command, found in zip(commands, printed, strict=True):
        text = found.output.decode("utf-8")
        shown = not command.shown or "\\u202e" in text
        if found.code != command.code or raw_characters(text) or not shown:
            wrong.append((command.words, found.code, raw_characters(text), shown, text))
    assert wrong == []


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_no_command_prints_text_of_others_raw(world: World, terminal: bool) -> None:
    commands = world.commands()
    check(commands, walk(world, commands, terminal))


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_training_and_export_print_no_text_of_others_raw(world: World, terminal: bool) -> None:
    shutil.rmtree(world.folder / f"bert {HOSTILE}", ignore_errors=True)
    commands = world.making_commands()
    check(commands, walk(world, commands, terminal))


def test_the_walks_go_through_every_command(world: World) -> None:
    walked = [" ".join(map(str, each.words)) for each in (*world.commands(), *world.making_commands())]
    for program, app in APPS.items():
        for name in names_of(app, program):
            assert any(each.startswith(f"{name} ") for each in walked), name


def test_paths_are_raw_in_a_pipe_and_escaped_on_a_terminal(world: World) -> None:
    words = ("photoseek", "search", "red", "--gallery", str(world.photos), "-k", "1")
    forms = [("--paths",), ("-0",)]
    file = os.fsencode(world.photos / f"red {HOSTILE}.png")
    runs = [Run((*words, *form), terminal) for terminal in (False, True) for form in forms]
    lines, nulls, *on_terminal = run_all(runs, XDG_STATE_HOME=str(world.folder / "state"))
    assert (lines.output, nulls.output) == (file + b"\n", file + b"\0")
    for found in on_terminal:
        assert raw_characters(found.output.decode()) == []
        assert f"red {SHOWN}.png\n" in found.output.decode()


def test_in_color_a_terminal_gets_the_sequences_of_rich_alone(world: World) -> None:
    """The same commands over harmless names print the same sequences."""
    clean = world.folder / "clean"
    bundle = clean / "bundle"
    for name, color in COLORS.items():
        write_color(clean / "photos" / f"{name}.png", color)
    write_tiny_bundle(bundle)

    def runs(photos: Path, bundle: Path) -> list[Run]:
        gallery = str(world.folder / f"gallery-{bundle.parent.name}")
        index = ("photoseek", "index", str(photos), "--gallery", gallery, "--bundle", str(bundle))
        return [Run(index, True), Run(("photoseek", "search", "red", "--gallery", gallery), True)]

    hostile, harmless = runs(world.photos, world.bundle), runs(clean / "photos", bundle)
    both = run_all([*hostile, *harmless], TERM="xterm-256color", COLUMNS="1000")
    assert [found.code for found in both] == [0, 0, 0, 0]
    for indexing, searching in (both[:2], both[2:]):
        assert set(raw_characters(SEQUENCES.sub("", indexing.output.decode()))) <= {"U+000D"}
        assert set(raw_characters(SEQUENCES.sub("", searching.output.decode()))) == set()
    assert set(SEQUENCES.findall(both[1].output.decode())) == set(SEQUENCES.findall(both[3].output.decode()))


def calls_of(file: Path) -> list[str]:
    """Each place in a module that writes to the streams of the process, or makes what does."""
    found = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        last = name.rpartition(".")[2]
        writes = name in ("print", "pprint", "pp") or last in (
            "echo",
            "secho",
            "print_exc",
            "print_exception",
            "Console",
        )
        handlers = last in ("basicConfig", "StreamHandler", "prompt", "input", "getpass")
        rich = isinstance(node, ast.ImportFrom | ast.Import) and re.match(r"(from|import) rich\b", ast.unparse(node))
        stream = isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.stdout", "sys.stderr")
        raw = name in ("os.write",) and ast.unparse(node.args[0]) in ("1", "2")  # type: ignore[attr-defined]
        if writes or handlers or rich or stream or raw:
            found.append(f"{file.name}:{node.lineno}: {ast.unparse(node)}")  # type: ignore[attr-defined]
    return found


def test_only_the_console_prints() -> None:
    roots = [ROOT / name for name in ("runtime", "train", "export")]
    modules = [file for root in roots for file in root.rglob("*.py") if file.name not in PRINTERS | REDIRECTS]
    assert [call for file in (*modules, ROOT / "streamlit_app.py") for call in calls_of(file)] == []
    assert calls_of(ROOT / "runtime" / "photoseek" / "cli" / "output.py")  # such calls are found
