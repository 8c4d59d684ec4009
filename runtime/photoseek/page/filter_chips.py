"""A chip for the photo of the query and for each active filter; a click removes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from photoseek.errors import PhotoError, QueryError
from photoseek.gallery.thumbnails import data_uri, make_thumbnail
from photoseek.page import components
from photoseek.page.filter_form import name_choices, orientations
from photoseek.page.filter_state import BY_NAME, NAMES, filter_values, set_filters
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.search_form import SearchForm
from photoseek.page.similar import leave_similar
from photoseek.page.strings import date_label, strings

_CHIP_SIDE = 128
_TAKEN = "taken"  # one chip for both ends of a period


def render_filter_chips(query: SearchForm, opened: OpenGallery) -> None:
    """Draw the chips."""
    chips = [*_query_chips(query, opened), *({"id": name, "label": label} for name, label in filter_labels().items())]
    if chips:
        components.render_component("chips", "chips", {"chips": chips, "remove": strings().remove}, removed=_remove)


def filter_labels() -> dict[str, str]:
    """Return the label of each active filter by its name; a year, month or day is one filter, ``taken``."""
    now, values = strings(), filter_values()
    if (date := values.get("taken_from")) is not None and date == values.get("taken_to"):
        values = {_TAKEN: date, **{name: value for name, value in values.items() if not name.startswith("taken")}}
    labels: dict[str, Callable[[Any], str]] = {
        _TAKEN: date_label,
        "folder": lambda value: f"{value}/",  # a folder may have the name of a year
        "taken_from": lambda value: now.from_chip.format(date=date_label(value)),
        "taken_to": lambda value: now.to_chip.format(date=date_label(value)),
        "min_megapixels": lambda value: now.megapixels.format(sign="≥", size=value),
        "max_megapixels": lambda value: now.megapixels.format(sign="≤", size=value),
        "orientation": lambda value: orientations(now).get(value, value),
        "type": lambda value: value.upper(),
        BY_NAME: lambda value: name_choices(now).get(value, value),
    }
    return {name: labels.get(name, str)(value) for name, value in values.items()}


def fields_of(name: str) -> tuple[str, ...]:
    """Return the filters that a name of ``filter_labels`` stands for; none for any other."""
    if name == _TAKEN:
        return ("taken_from", "taken_to")
    return (name,) if name in (*NAMES, BY_NAME) else ()


def remove_filter(name: str) -> None:
    """Remove a filter by its name in ``filter_labels``."""
    set_filters(**dict.fromkeys(fields_of(name)))


def _query_chips(query: SearchForm, opened: OpenGallery) -> list[dict[str, str]]:
    chips = []
    if query.photo is not None:
        try:
            picture = {"picture": data_uri(make_thumbnail(query.photo.data, _CHIP_SIDE))}
        except PhotoError:  # reported in place of the results
            picture = {}
        chips.append({"id": "photo", "label": query.photo.name or strings().your_photo, **picture})
    if query.similar_to is not None:
        chips.append({"id": "similar_to", **_imitated(query.similar_to, opened)})
    return chips


def _imitated(path: str, opened: OpenGallery) -> dict[str, str]:
    """Return the picture of a photo of the gallery; its path if there is no such photo."""
    now = strings()
    named = now.similar_to_chip.format(path=path)
    try:
        photo, _ = opened.searcher.resolve_photo(path)
    except QueryError:  # reported in place of the results
        return {"label": named}
    return {"label": now.similar_chip, "name": named, "picture": f"{opened.files.folder(photo)}card"}


def _remove() -> None:
    name = components.component_value("chips", "removed")
    if name == "photo":
        st.session_state["photo"] = None
    elif name == "similar_to":
        leave_similar()
    elif isinstance(name, str):
        remove_filter(name)
