"""Which photos of an answer are shown, and in which order."""

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

AT = "at"
"""Path of the photo around which the photos of a folder are shown, in the session and in the page's URL."""

LIKENESS, DATE = ORDERS = ("likeness", "date")
"""Orders of the photos; the first is the default."""

NEXT_PAGE = "next-page"
"""Name in the session of the query string of the URL with which more photos are shown."""

_QUESTION = "question"
_NEWER = "newer"  # number of photos before the one at ``AT``
_MOST_NEWER = 10 * PAGE  # at first


def start_over(*question: Any) -> bool:
    """Show the first photos again if the question has changed, and return whether it has.

    A link may show more photos at first. Another photo at ``AT`` is another question.
    """
    state = st.session_state
    asked = (question, state[AT])
    before = state.setdefault(_QUESTION, asked)
    if before == asked:
        return False
    if before[1] == state[AT]:  # it was for the previous question
        state[AT] = None
    state.update({_QUESTION: (question, state[AT]), "k": PAGE, _NEWER: _MOST_NEWER})
    return True


def shown_range(position: int | None) -> tuple[int, int]:
    """Return how many photos of a list are left out before those that are shown, and how many are shown.

    Args:
        position: Index of the photo at ``AT``; None: the list does not contain it.
    """
    state = st.session_state
    if position is None:
        return 0, int(state["k"])
    skipped = max(0, position - int(state.get(_NEWER, _MOST_NEWER)))
    return skipped, position - skipped + int(state["k"])


def render_newer() -> None:
    """Draw the button that shows the photos before the first one that is shown."""
    with st.container(horizontal=True, horizontal_alignment="center"):
        st.button(strings().show_newer, icon=":material/keyboard_arrow_up:", on_click=_show_newer, key="newer-photos")


def _show_newer() -> None:
    st.session_state[_NEWER] = st.session_state.get(_NEWER, _MOST_NEWER) + _MOST_NEWER


def forget_question() -> None:
    """Show as many photos of the next question as the URL says."""
    for name in (_QUESTION, _NEWER):
        st.session_state.pop(name, None)


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
        ORDERS.index(st.session_state["sort"]),
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
