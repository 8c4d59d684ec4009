"""How many photos of an answer are shown, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import streamlit as st

from photoseek.page import components
from photoseek.page.strings import strings
from photoseek.search.hits import Hit

PAGE = 24
"""Number of photos shown at first, and added by each *Show more*."""

MAX_K = 1000
"""Maximum number of photos that a link shows at first."""

LIKENESS, DATE = ORDERS = ("likeness", "date")
"""Orders of the photos; the first is the default."""

_QUESTION = "question"


def start_over(*question: Any) -> bool:
    """Show the first photos again if the question has changed, and return whether it has.

    A link may show more photos at first.
    """
    state = st.session_state
    changed = state.setdefault(_QUESTION, question) != question
    if changed:
        state.update({_QUESTION: question, "k": PAGE})
    return bool(changed)


def show_more() -> None:
    """Show more photos of the same question."""
    st.session_state["k"] += PAGE


def render_order() -> None:
    """Draw the choice of the order."""
    now = strings()
    labels = {LIKENESS: now.by_likeness, DATE: now.by_date}
    st.selectbox(
        now.order,
        ORDERS,
        **components.field_options("sort", st.session_state["sort"], now.code),
        format_func=labels.__getitem__,
        label_visibility="collapsed",
        filter_mode=None,
        width=150,
    )


def in_order(hits: Sequence[Hit]) -> list[Hit]:
    """Return the shown hits in the chosen order: best first, or newest first with those without a date at the end."""
    if st.session_state["sort"] == LIKENESS:
        return list(hits)
    return [
        *sorted((hit for hit in hits if hit.taken), key=attrgetter("taken"), reverse=True),
        *(hit for hit in hits if not hit.taken),
    ]
