"""Sessions of the page's script, and their content."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from photoseek.page import launch

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


def new_session(**query: str) -> AppTest:
    """Return a session with these parameters in its address."""
    from streamlit.testing.v1 import AppTest

    page = AppTest.from_file(str(Path(launch.__file__).with_name("script.py")), default_timeout=60)
    page.query_params.update(query)
    return page


def text_of(page: AppTest) -> str:
    """Return all HTML of a session."""
    return "\n".join(element.proto.body for element in page.get("html"))


def paths(rendered: dict[str, Any]) -> list[str]:
    """Return the paths of the cards, each followed by its near-duplicates."""
    cards = [shown for card in rendered["cards"]["cards"] for shown in (card, *card["duplicates"])]
    return [card["path"] for card in cards]


def names(rendered: dict[str, Any]) -> list[str]:
    """Return the file names of the cards, each followed by its near-duplicates."""
    return [path.rpartition("/")[2] for path in paths(rendered)]


def colors(rendered: dict[str, Any]) -> list[str]:
    """Return the color of each card, by its file name."""
    return [name.partition("-")[0] for name in names(rendered)]
