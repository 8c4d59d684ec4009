"""The documentation knows every command and every option, and no others."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

import photoseek.cli.app
import photoseek_export.cli
import photoseek_train.cli.app

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
APPS = {
    "photoseek": photoseek.cli.app.app,
    "photoseek-train": photoseek_train.cli.app.app,
    "photoseek-export": photoseek_export.cli.app,
}
EVERYWHERE = {"--help", "-h"}  # told once


@dataclass(frozen=True)
class Command:
    """A command of the tree, and the words that call it."""

    words: tuple[str, ...]
    click: Any

    @property
    def name(self) -> str:
        return " ".join(self.words)

    @property
    def options(self) -> list[set[str]]:
        """The spellings of each option."""
        given = [{*each.opts, *each.secondary_opts} for each in self.click.params if each.opts[0].startswith("-")]
        return [spellings for spellings in given if not spellings & EVERYWHERE]


def tree(command: Any, words: tuple[str, ...]) -> Iterator[Command]:
    yield Command(words, command)
    for name, inner in getattr(command, "commands", {}).items():
        yield from tree(inner, (*words, name))


COMMANDS = [each for name, app in APPS.items() for each in tree(typer.main.get_command(app), (name,))]


def command_of(words: list[str]) -> str:
    """The longest name of a command that a command line begins with."""
    return max((each.name for each in COMMANDS if list(each.words) == words[: len(each.words)]), key=len, default="")


def sections(document: str) -> Iterator[tuple[str, str]]:
    """The heading of each section, and its text as far as the next heading of any level."""
    parts = re.split(r"^#+ (.*)$", re.sub(r"^```.*?^```", hide_headings, document, flags=re.S | re.M), flags=re.M)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def hide_headings(block: re.Match[str]) -> str:
    return re.sub(r"^#", "\\#", block.group(), flags=re.M)  # comments of a shell


def told_of(command: Command) -> str:
    """All that the documentation says of a command: sections headed by its name, and lines that call it."""
    called = re.compile(rf"(?<![\w-]){re.escape(command.name)}(?![\w-])")
    told = []
    for file in DOCUMENTS:
        text = file.read_text("utf-8")
        told += [body for heading, body in sections(text) if f"`{command.name}`" in heading]
        told += [line for line in re.sub(r"\\\n", " ", text).splitlines() if called.search(line)]
    return "\n".join(told)


def names(text: str, option: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text) is not None


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_and_option_is_documented(command: Command) -> None:
    told = told_of(command)
    assert told, f"no document tells of: {command.name}"
    missing = [sorted(each) for each in command.options if not all(names(told, spelling) for spelling in each)]
    assert not missing, f"no document tells of these options of {command.name}: {missing}"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_help_of_every_command_has_an_example_that_parses(command: Command) -> None:
    if hasattr(command.click, "commands"):  # a group: its commands have theirs
        return
    examples = re.findall(r"`(photoseek[^`]*)`", command.click.help)
    assert any(example.startswith(command.name) for example in examples)
    for example in examples:
        for words in calls(example):
            parse(words)


def command_lines(document: str) -> Iterator[str]:
    """What stands in the code blocks, continued lines joined, prompts left out."""
    fenced = re.findall(r"^```(?:console|sh|bash)\n(.*?)^```", document, flags=re.S | re.M)
    indented = re.findall(r"^(?: {4}.*\n)+", re.sub(r"^```.*?^```", "", document, flags=re.S | re.M), flags=re.M)
    for block in [*fenced, *indented]:
        for line in re.sub(r"\\\n", " ", block).splitlines():
            yield line.strip().removeprefix("$ ")


def calls(line: str) -> Iterator[list[str]]:
    """The words of each call of photoseek in a line of a shell: ``a | photoseek search > b`` has one."""
    if not re.search(r"(?<![\w-])photoseek(-train|-export)? ", line):
        return
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for token in [*lexer, "|"]:
        if re.fullmatch(r"[|&;<>]+", token):
            if words and words[0] in APPS:
                yield words
            words = []
        else:
            words.append(token)


def parse(words: list[str]) -> None:
    """Parse a call as the program would, but run nothing; ``...`` stands for whatever else is needed."""
    command, given = typer.main.get_command(APPS[words[0]]), [word for word in words[1:] if word != "..."]
    context = None
    while True:
        try:
            context = command.make_context(words[0], list(given), parent=context)
        except typer.TyperException as error:
            if "..." in words and "Missing" in error.format_message():
                return
            raise AssertionError(f"{shlex.join(words)}: {error.format_message()}") from error
        except typer.Exit:  # --help
            return
        if not hasattr(command, "commands"):
            return
        _, command, given = command.resolve_command(context, [*context._protected_args, *context.args])


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_every_command_line_in_the_documentation_parses(file: Path) -> None:
    for line in command_lines(file.read_text("utf-8")):
        for words in calls(line):
            parse(words)


def test_the_command_lines_of_every_program_are_seen() -> None:
    lines = [line for file in DOCUMENTS for line in command_lines(file.read_text("utf-8"))]
    seen = {command_of(words) for line in lines for words in calls(line)}
    assert {command.name for command in COMMANDS if not hasattr(command.click, "commands")} <= seen


def test_a_wrong_command_line_is_found() -> None:
    lines = list(command_lines("```console\n$ cat q | photoseek search \\\n  --galery ~/Photos > hits\n```\n"))
    (words,) = [words for line in lines for words in calls(line)]
    with pytest.raises(AssertionError, match="No such option: --galery"):
        parse(words)
    with pytest.raises(AssertionError, match="Missing option '--images'"):
        parse(["photoseek", "calibrate", "--bundle", "demo"])
    parse(["photoseek", "search", "red", "--gallery", "DIR", "..."])


def test_links_between_the_documents_lead_somewhere() -> None:
    for file in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text("utf-8")):
            assert (file.parent / target).exists(), f"{file.name}: {target}"
