"""Where a gallery holds several bundles: which one answers, and which one looks at its first hits once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from photoseek.gallery.database.bundles import GalleryBundle
from photoseek.gallery.status import GalleryStatus
from photoseek.page.strings import strings

MODEL, SECOND = "model", "second"
"""In the session and in the address of the page: the beginnings of two fingerprints; none, where nothing was chosen."""

SHORT = 12
"""Characters of a fingerprint that stand for it."""


@dataclass(frozen=True)
class Models:
    """What was chosen.

    Attributes:
        model: Fingerprint of the bundle to search with.
        second: Fingerprint of the bundle that reranks the top hits, or None.
    """

    model: str
    second: str | None = None


def render_bundle_form(held: Sequence[GalleryBundle], status: GalleryStatus) -> Models:
    """Draw both fields in the sidebar, if two or more bundles are indexed; choices of another gallery are ignored."""
    own = held[0].fingerprint
    indexed = {it.fingerprint for it in status.additional if it.generation is not None}
    names = {it.fingerprint: it.name for it in held if it.is_primary or it.fingerprint in indexed}
    if len(names) < 2:
        return Models(own)
    now = strings()
    with st.sidebar:
        model = _choose(now.model, MODEL, list(names), names, _chosen(MODEL, list(names)) or own, None) or own
        others = [fingerprint for fingerprint in names if fingerprint != model]
        second = _choose(now.second_look, SECOND, others, names, _chosen(SECOND, others), now.no_second_look)
    return Models(model, second)


def _chosen(name: str, options: Sequence[str]) -> str | None:
    """What the session says, where the gallery holds it."""
    wanted = st.session_state.get(name)
    return next((each for each in options if wanted and each.startswith(wanted)), None)


def _choose(
    label: str, name: str, options: Sequence[str], shown: Mapping[str, str], chosen: str | None, none: str | None
) -> str | None:
    """Draw a field; its choice is kept apart from it, since a field loses what it holds while it is not drawn."""
    field = f"{name}-field"
    if field not in st.session_state or st.session_state[field] != (chosen or ""):
        st.session_state[field] = chosen or ""
    known = [*([] if none is None else [""]), *options]
    st.selectbox(
        label, known, key=field, format_func={"": none or "", **shown}.__getitem__, on_change=_take, args=(name, field)
    )
    return chosen


def _take(name: str, field: str) -> None:
    st.session_state[name] = st.session_state[field][:SHORT] or None
