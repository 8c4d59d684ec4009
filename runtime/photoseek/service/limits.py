"""How much one request may ask for, and how many are answered at once."""

from __future__ import annotations

from dataclasses import dataclass

MAX_K = 100
"""Hits of one search."""

MAX_DEPTH = 1_000
"""Hits that the second bundle looks at: where it has no vectors of them yet, some seconds of all cores, once."""

MAX_TEXT = 1_000
"""Characters of one text: more than any tower reads."""

MAX_TEXTS = 32
"""Texts that are embedded by one request: with BERT-base in int8, a third of a second of one core."""

MIN_SIDE = 16
MAX_SIDE = 1_024
"""Pixels of a thumbnail's longer side; the kept ones stay below 100 MB."""


@dataclass(frozen=True)
class Limits:
    """What the server as a whole takes.

    Attributes:
        json_bytes: Of a body that is not a form: ``MAX_TEXTS`` texts, every character escaped, fit.
        upload_bytes: Of a form with a photo.
        in_flight: Requests that are read, waiting or answered at the same time.
        per_client: Those among them from one address.
        read_seconds: For a body to arrive.
    """

    json_bytes: int = 1_000_000
    upload_bytes: int = 20_000_000
    in_flight: int = 64
    per_client: int = 32
    read_seconds: float = 30.0
