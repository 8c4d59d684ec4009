"""What was found, as a grid of equal cards."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape

import streamlit as st

from photoseek.errors import PhotoError
from photoseek.hits import Hit
from photoseek.page.query import Query
from photoseek.thumbnails import data_uri, shrink, thumbnail

_DECODERS = 4  # photos decoded at the same time
_QUERY_SIDE = 160


def show_query_photo(photo: bytes) -> None:
    """Draw the uploaded photo, small.

    Raises:
        PhotoError: It cannot be decoded.
    """
    uri = data_uri(shrink(photo, _QUERY_SIDE))
    st.html(f'<figure class="ps-asked"><img src="{uri}" alt="The photo searched with"></figure>')


def show_hits(hits: Sequence[Hit], query: Query, searchable: int, seconds: float) -> None:
    """Draw a line about the search, and a card for each photo, best first."""
    with ThreadPoolExecutor(_DECODERS) as pool:
        pictures = list(pool.map(_picture, hits))
    cards = "".join(_card(hit, picture) for hit, picture in zip(hits, pictures, strict=True))
    found = f"{len(hits):,} of {searchable:,} photos{_wording(query)}, best first, in {max(1, round(seconds * 1e3))} ms"
    st.html(f'<p class="ps-found" role="status">{found}</p><ol class="ps-grid">{cards}</ol>')


def _wording(query: Query) -> str:
    text = f" for <q>{escape(query.text)}</q>" if query.text else ""
    photo = " like your photo" if query.photo is not None else ""
    return text + (" and" if text and photo else "") + photo


def _card(hit: Hit, picture: str) -> str:
    path = escape(hit.path)
    return (
        f'<li class="ps-card">{picture}<div class="ps-caption">'
        f'<div class="ps-path" title="{path}"><bdi>{path}</bdi></div>'
        f'<div class="ps-score" title="Cosine similarity of query and photo">{hit.score:.3f}</div></div></li>'
    )


def _picture(hit: Hit) -> str:
    """The photo, which a click enlarges, or the reason why there is none."""
    try:
        uri = data_uri(thumbnail(hit.file))
    except PhotoError as error:
        gone = not hit.file.exists()
        reason = "This photo is no longer there" if gone else f"This photo cannot be shown: {error}"
        return f'<div class="ps-photo ps-gone">{escape(reason)}</div>'
    name = escape(hit.path)
    return (
        f'<label class="ps-photo"><input type="checkbox" aria-label="Enlarge {name}">'
        f'<img src="{uri}" alt="{name}"></label>'
    )
