"""Texts of the page, from one TOML file per language: ``locale/en.toml``, ``locale/zh.toml``."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import streamlit as st

KEY = "lang"
"""Name of the language in the session and in the page's URL."""

LANGUAGES = ("en", "zh")
"""Languages of the page; the first is the default."""


class Strings:
    """Texts of one language, as attributes; ``str.format`` replaces names in braces."""

    def __init__(self, code: str) -> None:
        """Read the catalog of a language."""
        file = resources.files("photoseek.page") / "locale" / f"{code}.toml"
        self._texts: dict[str, str] = tomllib.loads(file.read_text("utf-8"))

    def __getattr__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise AttributeError(f"expected a text named {name!r} in the page's catalog, found none") from None


_NUMBERS = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?")
_CHINESE = re.compile(r"(\d{4})\s*年(?:\s*(\d{1,2})\s*月(?:\s*(\d{1,2})\s*[日号])?)?")
_MONTH_OF_YEAR = re.compile(r"([a-z]{3,9})\.?\s+(\d{4})", re.IGNORECASE | re.ASCII)

CATALOGUES = {code: Strings(code) for code in LANGUAGES}
"""Texts of each language."""


def strings() -> Strings:
    """Return the texts in the chosen language, or in the browser's, or in English."""
    chosen = st.session_state.get(KEY) or str(st.context.locale or "")[:2].lower()
    return CATALOGUES.get(chosen, CATALOGUES[LANGUAGES[0]])


def date_label(date: str, *, short: bool = False) -> str:
    """Return a year, month or day such as ``2024-05`` as people write it; ``short`` leaves out the year of a month.

    Any other text is returned unchanged.
    """
    year, _, month = date.partition("-")
    if not (month.isdigit() and len(month) == 2 and 1 <= int(month) <= 12):
        return date
    now = strings()
    name = (now.short_months if short else now.month_names).split()[int(month) - 1]
    return name if short else now.month_of_year.format(month=name, year=year)


def date_of(text: str) -> str:
    """Return a year, month or day such as ``2024-05`` from a text as people write it, in any language of the page.

    Any other text is returned unchanged.
    """
    found = _NUMBERS.fullmatch(text.strip()) or _CHINESE.fullmatch(text.strip())
    if found:
        return "-".join(part.rjust(2, "0") for part in found.groups() if part)
    found = _MONTH_OF_YEAR.fullmatch(text.strip())
    months = [name.lower() for name in CATALOGUES["en"].month_names.split()]
    if found and (numbers := [at for at, name in enumerate(months, start=1) if name.startswith(found[1].lower())]):
        return f"{found[2]}-{numbers[0]:02}"
    return text


def read_language() -> None:
    """Read the language from the page's URL when a session begins."""
    if KEY not in st.session_state:
        given = st.query_params.get(KEY, "")
        st.session_state[KEY] = given if given in CATALOGUES else None
