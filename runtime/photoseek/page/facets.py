"""Buttons for the dates and folders of a gallery, with numbers of photos; each sets a filter."""

from __future__ import annotations

from typing import Any

from photoseek.errors import QueryError
from photoseek.gallery.filters import Filter
from photoseek.gallery.overview import Overview
from photoseek.page import components
from photoseek.page.filter_state import filter_values, set_filters
from photoseek.page.strings import date_label, strings


def render_facets(overview: Overview, key: str, *, folders: bool = True) -> None:
    """Draw years, the months of the chosen or the latest year, and the subfolders of the chosen folder.

    Args:
        overview: Numbers of photos within the filters.
        key: Key of the component.
        folders: Whether to draw the folders.
    """
    now, chosen = strings(), filter_values()
    groups = [*_dates(overview, chosen), *(_folders(overview, chosen) if folders else [])]
    if groups:
        data = {"groups": groups, "texts": {"all": now.show_all, "fewer": now.fewer}}
        components.render_component("facets", key, data, chosen=lambda: _choose(key))


def _dates(overview: Overview, chosen: dict[str, Any]) -> list[dict[str, Any]]:
    if not overview.years:
        return []
    now, first = strings(), str(chosen.get("taken_from", ""))
    date = first if first == chosen.get("taken_to") else ""
    year = date[:4] if date[:4] in overview.years else next(iter(overview.years))
    years = [_button("date", each, each, count, date[:4] == each) for each, count in overview.years.items()]
    months = [
        _button("date", each, date_label(each, short=True), count, date[:7] == each)
        for each, count in sorted(overview.months.items())
        if each[:4] == year
    ]
    note = now.undated.format(count=f"{overview.undated:,}") if overview.undated else ""
    return [
        {"name": now.dates, "buttons": years, "note": note},
        {"name": now.months_of.format(year=year), "buttons": months, "title": year},
    ]


def _folders(overview: Overview, chosen: dict[str, Any]) -> list[dict[str, Any]]:
    if not overview.folders:
        return []
    now = strings()
    prefix = Filter(folder=str(chosen.get("folder", ""))).folder_prefix
    inside = {
        folder: count
        for folder, count in overview.folders.items()
        if folder.startswith(prefix) and "/" not in folder[len(prefix) :]
    }
    parts = prefix.split("/")[:-1]
    parents = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    path = [_button("folder", "", now.all_folders, overview.photos, False)] if parts else []
    path += [
        _button("folder", each, each.rpartition("/")[2], overview.folders.get(each, 0), each == parents[-1])
        for each in parents
    ]
    buttons = [_button("folder", each, each[len(prefix) :], count, False) for each, count in inside.items()]
    return [{"name": now.folders, "path": path, "buttons": buttons}]


def _button(kind: str, value: str, label: str, count: int, pressed: bool) -> dict[str, Any]:
    return {"kind": kind, "value": value, "label": label, "count": f"{count:,}", "pressed": pressed}


def _choose(key: str) -> None:
    """Set or, if it was set, remove a filter; any program can send this event."""
    chosen = components.component_value(key, "chosen")
    kind, value = (chosen.get("kind"), chosen.get("value")) if isinstance(chosen, dict) else (None, None)
    if not isinstance(value, str):
        return
    try:
        if kind == "date":
            same = filter_values().get("taken_from") == filter_values().get("taken_to") == value
            date = None if same or not value else value
            set_filters(**Filter(taken_from=date, taken_to=date).to_json() or {"taken_from": None, "taken_to": None})
        elif kind == "folder":
            same = Filter(folder=value).folder_prefix == f"{filter_values().get('folder', '')}/"
            set_filters(folder=(value.rpartition("/")[0] if same else value) or None)
    except QueryError:
        return
