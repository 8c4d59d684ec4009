"""What to do if no photo matches the filters."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import streamlit as st

from photoseek.gallery.filters import Filter
from photoseek.page import messages
from photoseek.page.filter_chips import fields_of, filter_labels, remove_filter
from photoseek.page.filter_state import NAMES
from photoseek.page.open_galleries import OpenGallery
from photoseek.page.strings import strings

_MARKDOWN = re.compile(r"[\\`*_\[\]<>$~:#|]")  # what begins an image, a link or a format within a line


def render_no_match(opened: OpenGallery, where: Filter) -> None:
    """Report it, and offer to remove each filter without which there are photos."""
    now, columns = strings(), opened.searcher.snapshot.columns
    messages.notice(now.no_results_title, now.no_results)
    with st.container(horizontal=True, key="ps-remedies"):
        for name, label in filter_labels().items():
            removed = [field for field in fields_of(name) if field in NAMES]
            matches = columns.matching(replace(where, **dict.fromkeys(removed)))(slice(None))
            if count := int(np.count_nonzero(matches)):
                text = now.without_filter.format(label=_MARKDOWN.sub(r"\\\g<0>", label), count=f"{count:,}")
                st.button(text, on_click=remove_filter, args=(name,), key=f"without-{name}")
