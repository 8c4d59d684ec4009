"""Every command of the three programs escapes untrusted text, on a terminal and in a pipe."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import typer

import photoseek.cli.app
import photoseek_export.cli
import photoseek_train.cli.app
from command_driver import Printed, Run, run_all
from hostile_text import ESCAPED, HOSTILE, raw_characters
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
REDIRECTS = {"ray_output.py"}  # redirects the streams of this process to silence Ray
SEQUENCES = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[hl]|[0-9]*[AK])")  # colors, and the cursor of a progress bar
PATH_FORMS = ("--paths", "-0")


@dataclass(frozen=True)
class Command:
    """A command line, its exit code, and whether its output contains the hostile text."""

    words: tuple[object, ...]
    code: int
    quoted: bool = True
    lines: str = ""
    typed: str = ""

    def run(self, terminal: bool, variables: dict[str, str]) -> Run:
        return Run(tuple(map(str, self.words)), terminal, self.lines, self.typed, variables)


@dataclass(frozen=True)
class HostileFiles:
    """Photos, a gallery, bundles and captions with hostile names and contents."""

    folder: Path
    photos: Path
    bundle: Path
    captions: Path
    untrusted: Path
    damaged: Path

    @classmethod
    def write(cls, folder: Path) -> HostileFiles:
        files = cls(
            folder,
            folder / f"photos {HOSTILE}",
            folder / f"bundle {HOSTILE}",
            folder / f"captions {HOSTILE}.token",
            folder / f"untrusted {HOSTILE}",
            folder / f"damaged {HOSTILE}",
        )
        for number, (name, color) in enumerate(COLORS.items()):
            write_color(files.photos / f"{name} {HOSTILE}.png", color, seed=number)
            write_color(folder / "plain" / f"{name}.png", color)
        (files.photos / f"broken {HOSTILE}.jpg").write_bytes(b"no photo")
        write_tiny_bundle(files.bundle, name=f"tiny {HOSTILE}")
        manifest = json.loads((files.bundle / "photoseek.json").read_text())
        manifest |= {"license": HOSTILE, "training": {HOSTILE: HOSTILE}}
        (files.bundle / "photoseek.json").write_text(json.dumps(manifest))
        files.captions.write_text("\n".join(f"{name}.png#0\ta {name} picture" for name in COLORS))
        (folder / "split.txt").write_text("missing \x1b[31m\u202e.png\n")
        with Gallery.create(files.photos, Bundle.load(files.bundle)) as gallery:
            gallery.index()
            gallery.add_captions([Caption("", 0, f"red {HOSTILE}")])
        shutil.copytree(files.photos, files.untrusted)
        with sqlite3.connect(files.untrusted / ".photoseek" / "gallery.sqlite") as connection:
            connection.execute("UPDATE meta SET value = ? WHERE key = 'photos'", (f"/elsewhere {HOSTILE}",))
        connection.close()
        record = {"name": "tiny", "sources": {HOSTILE: "0"}, "precision": "fp32", "license": HOSTILE, "format": 1}
        (folder / "models" / "tiny").mkdir(parents=True)
        (folder / "models" / "tiny" / "photoseek-model.json").write_text(json.dumps({**record, "files": {}}))
        shutil.copytree(files.bundle, files.damaged)
        (files.damaged / "config.json").write_text("{}")
        return files

    @property
    def missing(self) -> Path:
        """A path with a hostile name at which there is no file."""
        return self.folder / f"missing {HOSTILE}"

    def commands(self) -> list[Command]:
        """Every command of ``photoseek``, with arguments that succeed and arguments that fail."""
        missing, here, bundle = self.missing, self.photos, self.bundle
        data = ("--images", self.folder / "plain", "--captions", self.captions)
        of = ("--gallery", here)
        return [
            Command(("photoseek", "demo", self.folder / "plain", "--query", "red"), 0, quoted=False),
            Command(("photoseek", "demo", missing, "--query", "red"), 1),
            Command(("photoseek", "index", here), 0, quoted=False),
            Command(("photoseek", "index", here, "--json"), 0),
            Command(("photoseek", "index", here, "--remove-bundle", HOSTILE), 1),
            Command(("photoseek", "index", missing, "--bundle", "demo"), 1),
            Command(("photoseek", "index", here, "--bundle", missing), 1),
            Command(("photoseek", "index", self.untrusted), 1),
            Command(("photoseek", "--debug", "search", "red", "--gallery", missing), 1),
            Command(("photoseek", HOSTILE), 2),
            Command(("photoseek", "captions", "describe", "--similar-to", f"red {HOSTILE}.png", *of), 0),
            Command(("photoseek", "captions", "describe", "--image", missing, *of), 1),
            Command(("photoseek", "captions", "add", missing, *of), 1),
            Command(("photoseek", "captions", "clear", "--gallery", missing), 1),
            Command(("photoseek", "captions", "convert", self.captions, self.folder / f"out {HOSTILE}.token"), 0),
            Command(("photoseek", "captions", "convert", missing, self.folder / "out.token"), 1),
            Command(("photoseek", "albums", "add", HOSTILE, "red.png", *of), 2),
            Command(("photoseek", "albums", "add", "Trip", HOSTILE, *of), 2),
            Command(("photoseek", "albums", "add", "Trip", f"red {HOSTILE}.png", *of), 0, quoted=False),
            Command(("photoseek", "albums", "list", *of), 0, quoted=False),
            Command(("photoseek", "albums", "show", "Trip", *of), 0),
            Command(("photoseek", "albums", "show", "Trip", *of, "--json"), 0),
            Command(("photoseek", "albums", "export", "Trip", f"{missing}.csv", *of), 0),
            Command(("photoseek", "albums", "export", "Trip", here, "--xmp", *of), 1),
            Command(("photoseek", "albums", "rename", "Trip", HOSTILE, *of), 2),
            Command(("photoseek", "albums", "remove", "Trip", HOSTILE, *of), 2),
            Command(("photoseek", "albums", "delete", HOSTILE, *of), 2),
            Command(("photoseek", "evaluate", *data, "--bundle", bundle, "--resamples", 0), 0, quoted=False),
            Command(("photoseek", "evaluate", *data, "--bundle", bundle, "--rerank", bundle, "--resamples", 0), 0),
            Command(("photoseek", "evaluate", "--images", missing, "--captions", self.captions), 1),
            Command(("photoseek", "calibrate", *data, "--bundle", missing), 1),
            Command(("photoseek", "bench", *of, "--repeats", 1, "--photos", 1), 0),
            Command(("photoseek", "bench", *of, "--queries", missing), 1),
            Command(("photoseek", "info", here), 0),
            Command(("photoseek", "info", here, "--json"), 0),
            Command(("photoseek", "info", bundle), 0),
            Command(("photoseek", "info", missing), 2),
            Command(("photoseek", "verify", here), 0),
            Command(("photoseek", "verify", bundle), 0),
            Command(("photoseek", "verify", self.damaged), 1),
            Command(("photoseek", "push", *of, "--store", f"nowhere://{HOSTILE}"), 2, quoted=False),
            Command(("photoseek", "models", "list"), 0),
            Command(("photoseek", "models", "list", "--json"), 0),
            Command(("photoseek", "models", "pull", HOSTILE), 2),
            Command(("photoseek", "models", "remove", HOSTILE), 2),
            Command(("photoseek", "models", "where", HOSTILE), 1),
            Command(("photoseek", "models", "quantize", HOSTILE), 1),
            Command(("photoseek", "models", "pack", HOSTILE, missing), 1),
            Command(("photoseek", "models", "unpack", missing), 1),
            Command(("photoseek", "app", "--address", HOSTILE, "--no-browser"), 1),
            Command(("photoseek", "app", "--gallery", self.untrusted, "--no-browser"), 1, typed="n\n"),
            Command(("photoseek", "serve", *of, "--token-file", missing), 1),
            Command(("photoseek", "serve", *of, "--index-token-file", missing), 1),
            Command(("photoseek", "serve", "--gallery", missing), 1),
            Command(("photoseek", "mcp", "--gallery", missing), 1),
        ]

    def searches(self) -> list[Command]:
        """Searches, with arguments that succeed and arguments that fail."""
        missing, of = self.missing, ("--gallery", self.photos)
        return [
            Command(("photoseek", "search", "red", *of), 0),
            Command(("photoseek", "search", "red", *of, "--json"), 0),
            Command(("photoseek", "search", *of), 0, lines=f"red {HOSTILE}\n".replace("\n", " ") + "\n"),
            Command(("photoseek", "search", *of, "--json"), 0, lines="red \x1b[31m\u202e\n"),
            Command(("photoseek", "search", "red", *of, "--similar-to", HOSTILE), 2),
            Command(("photoseek", "search", "red", *of, "--folder", HOSTILE), 2),
            Command(("photoseek", "search", "red", *of, "--camera", HOSTILE), 2),
            Command(("photoseek", "search", "red", *of, "--engine", HOSTILE), 2),
            Command(("photoseek", "search", "red", *of, "--rerank", missing), 1),
            Command(("photoseek", "search", "red", *of, "--image", missing), 1),
            Command(("photoseek", "search", "red", *of, "--language", HOSTILE), 2),
            Command(("photoseek", "search", "red", *of, f"--{HOSTILE}"), 2),
            Command(("photoseek", "search", "red", "--gallery", missing), 1),
            Command(("photoseek", "search", "red", "--gallery", self.untrusted), 1, typed="n\n"),
        ]

    def training_commands(self) -> list[Command]:
        """Every command of ``photoseek-train`` and ``photoseek-export``."""
        none = self.missing
        data = ("--images", self.folder / "plain", "--captions", self.captions)
        missing = ("--images", none, "--captions", none)
        found: list[tuple[tuple[object, ...], int]] = [
            (("train", "inspect", *data, "--train", self.folder / "split.txt"), 1),
            (("train", "inspect", *missing), 1),
            (("train", "unpack", none, none), 1),
            (("train", "keywords", "--captions", none, "--out", none), 1),
            (("train", "features", *missing, "--text-model", none, "--out", none), 1),
            (("train", "fit", *missing, "--text-model", none, "--out", none), 1),
            (("train", "fit", *missing, "--out", none, "--from", none), 1),
            (("train", "distill", *missing, "--teacher", none, "--text-model", none, "--out", none), 1),
            (("train", "evaluate", none, *data), 1),
            (("train", "report", none), 1),
            (("train", "average", none, none, "--out", none), 1),
            (("train", "transplant", none, "--captions", none, "--into", none, "--out", none), 1),
            (("train", HOSTILE), 2),
            (("export", none, "--out", none), 1),
            (("export", "--from-clip", none, "--out", none), 1),
            (("export", none, "--out", none, "--text", HOSTILE), 2),
        ]
        return [Command((f"photoseek-{words[0]}", *words[1:]), code) for words, code in found]

    def all_commands(self, terminal: bool) -> list[Command]:
        """Return the commands of all programs; ``compact`` and ``shorten`` need new folders for each call."""
        bert = self.folder / f"bert {HOSTILE} {terminal}"
        compact = ("photoseek-train", "compact", "--captions", self.captions, "--out", bert)
        shorten = ("photoseek-train", "shorten", bert, "--captions", self.captions, "--out", f"{bert} short")
        photoseek = [*self.commands(), *self.searches()]
        return [*photoseek, *self.training_commands(), Command(compact, 0), Command(shorten, 0)]


@dataclass(frozen=True)
class Walk:
    """The output of every command, on a terminal and in a pipe."""

    files: HostileFiles
    commands: dict[bool, list[tuple[Command, Printed]]]
    paths: dict[tuple[bool, str], Printed]
    colored: list[Printed] = field(default_factory=list)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Run every command once on a terminal and once in a pipe, in one process that imports the programs once."""
    files = HostileFiles.write(tmp_path_factory.mktemp("hostile"))
    folders = {"XDG_CACHE_HOME": str(files.folder / "cache"), "PHOTOSEEK_MODELS": str(files.folder / "models")}
    plain = {"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "1000", **folders}
    search = ("photoseek", "search", "red", "--gallery", str(files.photos), "-k", "1")
    commands = [(each, terminal) for terminal in (True, False) for each in files.all_commands(terminal)]
    forms = [(terminal, form) for terminal in (True, False) for form in PATH_FORMS]
    runs = [each.run(terminal, plain) for each, terminal in commands]
    runs += [Run((*search, form), terminal) for terminal, form in forms]
    printed = run_all([*runs, *colored_runs(files)])
    walked: dict[bool, list[tuple[Command, Printed]]] = {True: [], False: []}
    for (command, terminal), found in zip(commands, printed, strict=False):
        walked[terminal].append((command, found))
    rest = printed[len(commands) :]
    return Walk(files, walked, dict(zip(forms, rest, strict=False)), rest[len(forms) :])


def colored_runs(files: HostileFiles) -> list[Run]:
    """Index and search photos on a color terminal, first with hostile names, then with harmless ones."""
    harmless = files.folder / "harmless"
    for name, color in COLORS.items():
        write_color(harmless / "photos" / f"{name}.png", color)
    write_tiny_bundle(harmless / "bundle")
    runs = []
    for photos, bundle in ((files.photos, files.bundle), (harmless / "photos", harmless / "bundle")):
        gallery = str(files.folder / f"gallery-{bundle.parent.name}")
        index = ("photoseek", "index", str(photos), "--gallery", gallery, "--bundle", str(bundle))
        color = {"TERM": "xterm-256color", "COLUMNS": "1000"}
        runs += [Run(index, True, variables=color)]
        runs += [Run(("photoseek", "search", "red", "--gallery", gallery), True, variables=color)]
    return runs


def names_of(app: typer.Typer, name: str) -> set[str]:
    """Return every command of a program as a user types it."""

    def below(command: object, words: str) -> set[str]:
        inner = getattr(command, "commands", {})
        return (
            {words} if not inner else {each for key, value in inner.items() for each in below(value, f"{words} {key}")}
        )

    return below(typer.main.get_command(app), name)


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_every_command_escapes_untrusted_text(walk: Walk, terminal: bool) -> None:
    wrong = []
    for command, found in walk.commands[terminal]:
        text = found.output.decode("utf-8")
        quoted = not command.quoted or "\\u202e" in text
        if found.code != command.code or raw_characters(text) or not quoted:
            wrong.append((command.words, found.code, raw_characters(text), quoted, text))
    assert wrong == []


def test_every_command_is_run(walk: Walk) -> None:
    walked = [" ".join(map(str, command.words)) for command, _ in walk.commands[True]]
    for program, app in APPS.items():
        for name in names_of(app, program):
            assert any(each.startswith(f"{name} ") for each in walked), name


def test_paths_are_raw_in_a_pipe_and_escaped_on_a_terminal(walk: Walk) -> None:
    file = os.fsencode(walk.files.photos / f"red {HOSTILE}.png")
    assert walk.paths[False, "--paths"].output == file + b"\n"
    assert walk.paths[False, "-0"].output == file + b"\0"
    for form in PATH_FORMS:
        text = walk.paths[True, form].output.decode()
        assert raw_characters(text) == []
        assert f"red {ESCAPED}.png\n" in text


def test_a_color_terminal_gets_only_the_sequences_of_rich(walk: Walk) -> None:
    """The same commands over harmless names print the same sequences."""
    assert [found.code for found in walk.colored] == [0, 0, 0, 0]
    texts = [found.output.decode() for found in walk.colored]
    for indexing, searching in (texts[:2], texts[2:]):
        assert set(raw_characters(SEQUENCES.sub("", indexing))) <= {"U+000D"}
        assert set(raw_characters(SEQUENCES.sub("", searching))) == set()
    assert set(SEQUENCES.findall(texts[1])) == set(SEQUENCES.findall(texts[3]))


def calls_of(file: Path) -> list[str]:
    """Return the calls in a module that write to the streams of the process."""
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


def test_only_the_output_module_prints() -> None:
    roots = [ROOT / name for name in ("runtime", "train", "export")]
    modules = [file for root in roots for file in root.rglob("*.py") if file.name not in PRINTERS | REDIRECTS]
    assert [call for file in (*modules, ROOT / "streamlit_app.py") for call in calls_of(file)] == []
    assert calls_of(ROOT / "runtime" / "photoseek" / "cli" / "output.py")  # such calls are found
