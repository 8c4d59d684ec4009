"""Untrusted text is escaped before it is printed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile_text import HOSTILE, raw_characters
from photoseek.system.terminal import encodable, json_text, one_line, visible
from typed_commands import environment

BIDIRECTIONAL = ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")
MARKS = "\u061c\u200e\u200f"


def test_every_character_that_controls_a_terminal_is_escaped() -> None:
    for code in range(0x110000):
        character = chr(code)
        category = unicodedata.category(character)
        control = category in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(character) in BIDIRECTIONAL
        if control or character in MARKS:
            assert visible(character) == character.encode("unicode_escape").decode() != character


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f469\u200d\U0001f680",
        "\u2764\ufe0f",
        "e\u0301",
        "\u845b\U000e0100",
        "日本",
        "a  b [x] :y:",
    ],
)
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert visible(text) == text


@given(st.text())
def test_no_unsafe_character_remains(text: str) -> None:
    assert "\n" not in visible(text)
    assert raw_characters(visible(text)) == []
    assert raw_characters(one_line(text)) == []


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_keeps_its_value(value: object) -> None:
    for indent in (None, 2):
        text = json_text(value, indent=indent)
        assert json.loads(text) == value
        assert raw_characters(text) == []
        assert json.loads(json_text(value, indent=indent, ascii_only=True)) == value


def test_characters_that_an_encoding_lacks_are_escaped() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    assert encodable("é 日", stream) == "é \\u65e5"


CODE = """
import logging, sys, threading, warnings
from photoseek.system.terminal import install
install()
hostile = sys.argv[1]
logging.warning("%s", hostile)
logging.getLogger("uvicorn.error").addHandler(logging.StreamHandler())
try:
    raise ValueError(hostile)
except ValueError:
    logging.getLogger("uvicorn.error").exception("failed: %s", hostile)
warnings.warn(hostile)
def fail():
    raise ValueError(hostile)
thread = threading.Thread(target=fail, name=hostile)
thread.start()
thread.join()
class Closing:
    def __del__(self):
        raise ValueError(hostile)
Closing()
fail()
"""


def test_logs_warnings_and_tracebacks_of_any_library_are_escaped() -> None:
    command = [sys.executable, "-c", CODE, HOSTILE]
    done = subprocess.run(command, capture_output=True, env=environment(), check=False)
    printed = done.stderr.decode()
    assert done.returncode == 1
    assert raw_characters(printed) == []
    assert printed.count("\\u202egnp") >= 8  # log, message and traceback, warning, thread, its error, __del__, error
    lines = printed.splitlines()
    assert not any(line.startswith("b\\rc") for line in lines)  # not on a separate line
