"""What is searched for: a text, a photo, how many; the text and the number also stand in the page's address."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from photoseek.bundle import DEMO, Bundle
from photoseek.demo import gallery as demo
from photoseek.photos import SUFFIXES

MAX_K = 50
DEFAULT_K = 5

_MAX_TEXT = 500  # characters: more than a tower reads, and little enough for an address
_EXAMPLES: dict[str, tuple[str, ...]] = {
    "en": ("two dogs on a beach", "a child laughing in the rain", "a street at night"),
    "zh": ("沙滩上的两只狗", "在雨中大笑的孩子", "夜晚的街道"),
}


@dataclass(frozen=True)
class Query:
    """What is searched for; ``photo`` holds the bytes of the uploaded file."""

    text: str
    photo: bytes | None
    k: int

    @property
    def empty(self) -> bool:
        """Whether there is nothing to search for."""
        return not self.text and self.photo is None


def ask() -> Query:
    """Draw the inputs and return what they hold."""
    _take_from_address()
    with st.container(key="ps-query"):
        left, right = st.columns([5, 1], vertical_alignment="bottom")
        text = left.text_input(
            "What should the photos show?", key="q", placeholder="two dogs on a beach", max_chars=_MAX_TEXT
        )
        k = right.number_input("How many", 1, MAX_K, key="k")
        upload = st.file_uploader("Or find photos like this one", sorted(s.removeprefix(".") for s in SUFFIXES))
    query = Query(text.strip(), None if upload is None else upload.getvalue(), int(k))
    _put_into_address(query)
    return query


def offer_examples(bundle: Bundle) -> None:
    """Draw a button for each example that suits a bundle, in each of its languages; it fills in the text."""
    examples = _EXAMPLES
    if bundle.reference == DEMO:
        examples = {"en": tuple(demo.EXAMPLES), "zh": tuple(demo.CHINESE_EXAMPLES)}
    languages = [language for language in examples if language in bundle.languages] or ["en"]
    with st.container(horizontal=True, key="ps-examples"):
        for example in (example for language in languages for example in examples[language]):
            st.button(example, on_click=_fill_in, args=(example,))


def _fill_in(text: str) -> None:
    st.session_state["q"] = text


def _take_from_address() -> None:
    if "q" not in st.session_state:
        st.session_state["q"] = st.query_params.get("q", "")[:_MAX_TEXT]
    if "k" not in st.session_state:
        given = st.query_params.get("k", "")
        k = int(given) if given.isascii() and given.isdigit() and len(given) < 4 else DEFAULT_K
        st.session_state["k"] = min(max(k, 1), MAX_K)


def _put_into_address(query: Query) -> None:
    wanted = {"q": query.text} if query.text else {}
    if query.k != DEFAULT_K:
        wanted["k"] = str(query.k)
    if wanted != st.query_params.to_dict():
        st.query_params.from_dict(wanted)
