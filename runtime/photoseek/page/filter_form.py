"""Fields for a ``Filter``, with numbers of photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from photoseek.gallery.overview import Overview
from photoseek.page import components
from photoseek.page.facets import render_facets
from photoseek.page.filter_state import BY_NAME, NAME_CHOICES, PREFIX, field_options
from photoseek.page.strings import Strings, strings


def render_filter_form(overview: Overview) -> None:
    """Draw a button that opens the fields; each option has its number of photos within the other filters."""
    now = strings()
    with st.popover(now.filters, icon=":material/tune:", key=components.popover_key("filters")):
        render_facets(overview, "filter-dates", folders=False)
        with st.container(horizontal=True):
            for name, label in (("taken_from", now.taken_from), ("taken_to", now.taken_to)):
                st.text_input(label, placeholder=now.date_hint, max_chars=10, **field_options(name))
        _choose(now.folder, "folder", list(overview.folders), {}, overview.folders)
        with st.container(horizontal=True):
            _choose(
                now.orientation, "orientation", list(overview.orientations), orientations(now), overview.orientations
            )
            _choose(now.type, "type", list(overview.types), {it: it.upper() for it in overview.types}, overview.types)
        if overview.cameras:
            _choose(now.camera, "camera", list(overview.cameras), {}, overview.cameras)
        with st.container(horizontal=True):
            for name, label in (("min_megapixels", now.min_megapixels), ("max_megapixels", now.max_megapixels)):
                st.number_input(label, min_value=0.0, step=1.0, format="%g", placeholder=now.any, **field_options(name))
        _choose(now.names, BY_NAME, NAME_CHOICES, name_choices(now), {}, now.names_also)
        with st.container(key="ps-filters-end"):
            st.button(now.close_filters, type="primary", width="stretch", on_click=components.close_popovers)


def name_choices(now: Strings) -> dict[str, str]:
    """Return the labels of ``NAME_CHOICES``."""
    return {"only": now.names_only, "never": now.names_never}


def orientations(now: Strings) -> dict[str, str]:
    """Return the labels of orientations."""
    return {"landscape": now.landscape, "portrait": now.portrait, "square": now.square}


def _choose(
    label: str,
    name: str,
    options: Sequence[str],
    labels: Mapping[str, str],
    counts: Mapping[str, int],
    empty: str = "",
) -> None:
    chosen = st.session_state[PREFIX + name]
    known = [*options] if chosen in (None, *options) else [*options, chosen]  # a link may contain a removed folder

    def text(option: str) -> str:
        found = labels.get(option, option)
        return f"{found} ({counts[option]:,})" if option in counts else found

    field = field_options(name, [*map(text, known)])
    st.selectbox(label, known, index=None, placeholder=empty or strings().any, format_func=text, **field)
