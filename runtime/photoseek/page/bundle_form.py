"""Fields for a gallery with several bundles: which one searches, and which one reranks the top hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from photoseek.gallery.database.bundles import GalleryBundle
from photoseek.gallery.status import GalleryStatus
from photoseek.page.components import field_options
from photoseek.page.strings import strings

SEARCH, RERANK = "bundle", "rerank"
"""Names of the choices in the session and in the page's URL; each is an abbreviated fingerprint or empty."""

SHORT = 12
"""Length of an abbreviated fingerprint."""


@dataclass(frozen=True)
class BundleChoice:
    """Fingerprints of the bundle that searches, and of the one that reranks the top hits, or None."""

    search: str
    rerank: str | None = None


def render_bundle_form(bundles: Sequence[GalleryBundle], status: GalleryStatus, default: str) -> BundleChoice:
    """Draw both fields in the sidebar if two or more bundles are indexed, and return the choice.

    A choice that this gallery does not have is ignored. ``default`` is the fingerprint of the bundle that searches
    without one.
    """
    primary = bundles[0].fingerprint
    indexed = {it.fingerprint for it in status.additional if it.generation is not None}
    known = {it.fingerprint[:SHORT]: it for it in bundles if it.is_primary or it.fingerprint in indexed}
    if len(known) < 2:
        return BundleChoice(primary)
    names = {short: bundle.name for short, bundle in known.items()}
    now = strings()
    with st.sidebar:
        search = _select(now.search_with, SEARCH, names, default[:SHORT])
        others = {short: name for short, name in names.items() if short != search}
        rerank = _select(now.rerank_with, RERANK, {"": now.no_rerank, **others}, "")
    return BundleChoice(known[search].fingerprint, known[rerank].fingerprint if rerank else None)


def _select(label: str, name: str, options: Mapping[str, str], default: str) -> str:
    chosen = str(st.session_state.get(name))
    value = chosen if chosen in options else default
    known, field = list(options), field_options(name, value, strings().code)
    st.selectbox(label, known, known.index(value), format_func=options.__getitem__, **field)
    return value
