"""Limits of one request, and of all requests together."""

from __future__ import annotations

from dataclasses import dataclass

MAX_K = 100
"""Maximum number of hits of one search."""

MAX_OFFSET = 1_000
"""Maximum number of better hits that a search leaves out."""

MAX_DEPTH = 1_000
"""Maximum number of hits to rerank; without stored vectors of the second bundle, this takes some seconds once."""

MAX_TEXT = 1_000
"""Maximum length of one text, in characters: more than any tower reads."""

MAX_TEXTS = 32
"""Maximum number of texts to embed: with BERT-base in int8, a third of a second of one core."""

MAX_QUERIES = 32
"""Maximum number of searches in one request; one worker thread answers them."""

MAX_ID = 10**18 - 1
"""Maximum id of a photo; SQLite has 63 bits."""

MIN_SIDE = 16
MAX_SIDE = 1_024
"""Range of a thumbnail's longer side, in pixels; cached thumbnails take less than 100 MB."""


@dataclass(frozen=True)
class Limits:
    """Limits of all requests and connections together.

    Attributes:
        connections: Open connections, idle ones included.
        wait_seconds: How long the server waits for a client to send a request head, to start a body, or to read
            ``send_bytes`` of a response.
        idle_seconds: How long a connection stays open between two requests. Longer than nginx keeps idle connections
            to a server open (60 s), so that nginx never sends a request on a connection that is being closed.
        head_bytes: Size of a request head.
        target_bytes: Size of a request target, which is part of the head.
        headers: Number of request headers.
        body_rate: Bytes per second of a request body. Each ``body_rate`` bytes extend ``wait_seconds`` by one second.
        json_bytes: Size of a body that is not a form, without photos: ``MAX_TEXTS`` texts fit, even if every character
            is escaped.
        upload_bytes: Size of a form with a photo. By default, photos of phones fit: a raw one of 48 megapixels has
            75 MB, a JPEG of 200 megapixels 20 to 60 MB. ``photoseek.photos.formats`` limits the pixels.
        arriving_bytes: Size of all bodies that are being received or processed; half of it for one client.
        send_bytes: Size of the part of a response that waits for the client to read.
        in_flight: Requests that are processed or queued at the same time. Requests whose body is still being received,
            and responses that are being sent, do not count, because the client determines their speed.
        per_client: The same for one client: many people share the address of a proxy or an office.
        readiness_seconds: How long the result of a readiness check is reused.
    """

    connections: int = 1_000
    wait_seconds: float = 20.0
    idle_seconds: int = 75
    head_bytes: int = 16_384
    target_bytes: int = 8_192
    headers: int = 100
    body_rate: int = 65_536
    json_bytes: int = 1_000_000
    upload_bytes: int = 100_000_000
    arriving_bytes: int = 640_000_000
    send_bytes: int = 65_536
    in_flight: int = 256
    per_client: int = 128
    readiness_seconds: float = 1.0

    @property
    def json_upload_bytes(self) -> int:
        """Size of a body that is not a form: a photo of ``upload_bytes`` fits in base64."""
        return self.json_bytes + 4 * -(-self.upload_bytes // 3)
