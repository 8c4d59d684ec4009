"""The documentation describes every command and every option, and only those that exist."""

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
DOCUMENTS = {file: file.read_text("utf-8") for file in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))}
APPS = {
    "photoseek": photoseek.cli.app.app,
    "photoseek-train": photoseek_train.cli.app.app,
    "photoseek-export": photoseek_export.cli.app,
}
COMMON_OPTIONS = {"--help", "-h"}  # described once


@dataclass(frozen=True)
class Command:
    """A command or group, and the words that call it."""

    words: tuple[str, ...]
    click: Any

    @property
    def name(self) -> str:
        return " ".join(self.words)

    @property
    def options(self) -> list[set[str]]:
        """The spellings of each option."""
        given = [{*each.opts, *each.secondary_opts} for each in self.click.params if each.opts[0].startswith("-")]
        return [spellings for spellings in given if not spellings & COMMON_OPTIONS]


def tree(command: Any, words: tuple[str, ...]) -> Iterator[Command]:
    yield Command(words, command)
    for name, inner in getattr(command, "commands", {}).items():
        yield from tree(inner, (*words, name))


PROGRAMS = {name: typer.main.get_command(app) for name, app in APPS.items()}
COMMANDS = [each for name, program in PROGRAMS.items() for each in tree(program, (name,))]


def command_of(words: list[str]) -> str:
    """Return the longest name of a command that a command line begins with."""
    return max((each.name for each in COMMANDS if list(each.words) == words[: len(each.words)]), key=len, default="")


def sections(document: str) -> Iterator[tuple[str, str]]:
    """Yield the heading of each section, and its text up to the next heading of any level."""
    pieces = re.split(r"^#+ (.*)$", re.sub(r"^```.*?^```", hide_headings, document, flags=re.S | re.M), flags=re.M)
    yield from zip(pieces[1::2], pieces[2::2], strict=True)


def hide_headings(block: re.Match[str]) -> str:
    return re.sub(r"^#", "\\#", block.group(), flags=re.M)  # comments of a shell


SECTIONS = [section for text in DOCUMENTS.values() for section in sections(text)]
LINES = [line for text in DOCUMENTS.values() for line in re.sub(r"\\\n", " ", text).splitlines()]


def description_of(command: Command) -> str:
    """Return what the documentation says about a command: sections headed by its name, and lines that call it."""
    called = re.compile(rf"(?<![\w-]){re.escape(command.name)}(?![\w-])")
    bodies = [body for heading, body in SECTIONS if f"`{command.name}`" in heading]
    return "\n".join([*bodies, *filter(called.search, LINES)])


def names(text: str, option: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text) is not None


def test_every_command_and_option_is_documented() -> None:
    missing = {}
    for command in COMMANDS:
        text = description_of(command)
        options = [sorted(each) for each in command.options if not all(names(text, spelling) for spelling in each)]
        if not text or options:
            missing[command.name] = options
    assert missing == {}


def test_the_help_of_every_command_has_an_example_that_parses() -> None:
    for command in COMMANDS:
        if hasattr(command.click, "commands"):  # a group
            continue
        examples = re.findall(r"`(photoseek[^`]*)`", command.click.help)
        assert any(example.startswith(command.name) for example in examples), command.name
        for example in examples:
            for words in calls(example):
                parse(words)


def command_lines(document: str) -> Iterator[str]:
    """Yield the lines of code blocks, with continued lines joined and without prompts."""
    fenced = re.findall(r"^```(?:console|sh|bash)\n(.*?)^```", document, flags=re.S | re.M)
    indented = re.findall(r"^(?: {4}.*\n)+", re.sub(r"^```.*?^```", "", document, flags=re.S | re.M), flags=re.M)
    for block in [*fenced, *indented]:
        for line in re.sub(r"\\\n", " ", block).splitlines():
            yield line.strip().removeprefix("$ ")


def calls(line: str) -> Iterator[list[str]]:
    """Yield the words of each call of photoseek in a shell line: ``a | photoseek search > b`` has one."""
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
    """Parse a call as the program does, but run nothing; ``...`` stands for further arguments."""
    command, given = PROGRAMS[words[0]], [word for word in words[1:] if word != "..."]
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


def test_every_command_line_in_the_documentation_parses() -> None:
    called = [words for text in DOCUMENTS.values() for line in command_lines(text) for words in calls(line)]
    for words in called:
        parse(words)
    commands = {command.name for command in COMMANDS if not hasattr(command.click, "commands")}
    assert commands <= {command_of(words) for words in called}


def test_a_wrong_command_line_is_found() -> None:
    lines = list(command_lines("```console\n$ cat q | photoseek search \\\n  --galery ~/Photos > hits\n```\n"))
    (words,) = [words for line in lines for words in calls(line)]
    with pytest.raises(AssertionError, match="No such option: --galery"):
        parse(words)
    with pytest.raises(AssertionError, match="Missing option '--images'"):
        parse(["photoseek", "calibrate", "--bundle", "demo"])
    parse(["photoseek", "search", "red", "--gallery", "DIR", "..."])


def anchors(document: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and mkdocs generate them."""
    headings = [heading.replace("`", "") for heading, _ in sections(document)]
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_between_the_documents_lead_somewhere() -> None:
    for file in (*DOCUMENTS, ROOT / "CONTRIBUTING.md"):
        for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", file.read_text("utf-8")):
            page = file.parent / target if target else file
            assert page.exists(), f"{file.name}: {target}"
            if anchor:
                assert anchor in anchors(page.read_text("utf-8")), f"{file.name}: {target}#{anchor}"


def test_the_tests_that_a_document_names_exist() -> None:
    names = {name for text in DOCUMENTS.values() for name in re.findall(r"`(?:tests/[\w/]*/)?(test_\w+\.py)`", text)}
    assert names - {file.name for file in (ROOT / "tests").rglob("test_*.py")} == set()
    scripts = {name for text in DOCUMENTS.values() for name in re.findall(r"`findings/([\w-]+\.sh)`", text)}
    assert scripts - {file.name for file in (ROOT / "findings").iterdir()} == set()
