"""Requests and responses as JSON, also published in ``/openapi.json``.

Unknown fields are refused, so that an older server never ignores a part of a newer request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from photoseek.gallery.filters import TYPES, Filter, Orientation
from photoseek.photos.dates import DateSource
from photoseek.search.hits import Hit
from photoseek.search.name_query import Matched, Names
from photoseek.service.limits import MAX_DEPTH, MAX_K, MAX_OFFSET, MAX_TEXT, MAX_TEXTS
from photoseek.version import __version__

SUMMARY = "Find photos by what they show."
"""What the service does."""

Text = Annotated[str, Field(max_length=MAX_TEXT)]
Date = Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$", examples=["2024", "2024-05", "2024-05-17"])]
Language = Annotated[
    str | None,
    Field(max_length=16, description="Language of the text. Detected from its script by default.", examples=["en"]),
]


class Request(BaseModel):
    """Base of all requests: no type conversion, no unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid")


class SearchRequest(Request):
    """A query: a text, in a form with a photo, or both."""

    text: Annotated[Text | None, Field(description="What the photos should show.")] = None
    similar_to: Annotated[Text | None, Field(description="Path of a similar photo of the gallery.")] = None
    k: Annotated[int, Field(ge=1, le=MAX_K, description="Maximum number of hits.")] = 5
    offset: Annotated[int, Field(ge=0, le=MAX_OFFSET, description="Number of better hits to leave out.")] = 0
    language: Language = None
    names: Annotated[
        Names,
        Field(description="Whether words in names, titles and keywords also find photos, or only these do."),
    ] = "also"
    rerank: Annotated[
        bool | None,
        Field(description="Rerank the top hits. Defaults to true if the service has a second bundle."),
    ] = None
    depth: Annotated[int | None, Field(ge=1, le=MAX_DEPTH, description="Number of hits to rerank.")] = None
    group_duplicates: Annotated[
        bool, Field(description="Move near-duplicates into the `duplicates` of the hit that they resemble.")
    ] = False
    folder: Annotated[Text | None, Field(description="Only photos in this subfolder of the photo folder.")] = None
    taken_from: Annotated[Date | None, Field(description="Earliest date taken.")] = None
    taken_to: Annotated[Date | None, Field(description="Latest date taken.")] = None
    min_megapixels: Annotated[float | None, Field(ge=0, description="Minimum number of pixels, in millions.")] = None
    max_megapixels: Annotated[float | None, Field(ge=0, description="Maximum number of pixels, in millions.")] = None
    orientation: Orientation | None = None
    type: Annotated[str | None, Field(description="File type.", json_schema_extra={"enum": [*TYPES, None]})] = None

    @property
    def where(self) -> Filter:
        """The filters of the request.

        Raises:
            QueryError: Invalid filter.
        """
        return Filter(**{it.name: getattr(self, it.name) for it in fields(Filter)})


class DescribeRequest(Request):
    """A photo to describe: one of the gallery, or an upload."""

    similar_to: Annotated[Text | None, Field(description="Path of a photo of the gallery.")] = None
    k: Annotated[int, Field(ge=1, le=MAX_K, description="Maximum number of captions.")] = 5


class EmbedRequest(Request):
    """Texts to embed."""

    texts: Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]
    language: Language = None


class EmbedForm(Request):
    """A photo to embed."""


def _is_empty(value: object) -> bool:
    return value is None or value is False or value == []


class ScoreOfBundle(BaseModel):
    """Score and rank of a photo by one of two bundles."""

    bundle: str
    score: Annotated[
        float | None, Field(description="Cosine of query and photo. Null if the photo has changed or no longer exists.")
    ]
    rank: Annotated[int | None, Field(ge=1, description="Rank among the photos that both bundles scored.")]


class PhotoHit(BaseModel):
    """A hit; the addresses of the photo and its thumbnail contain ``id``."""

    rank: Annotated[int, Field(ge=1)]
    id: str
    path: Annotated[str, Field(description="Relative to the photo folder.")]
    score: Annotated[float, Field(description="Cosine of query and photo.")]
    confidence: Annotated[float | None, Field(description="Probability that the photo matches the text.")]
    low_confidence: Annotated[
        bool,
        Field(
            description="Whether the score is lower than usual for a best hit. Without a confidence: the bundle does "
            "not read most of the text."
        ),
    ]
    width: int
    height: int
    taken: Annotated[
        str | None,
        Field(description="Date taken, `YYYY-MM-DD HH:MM:SS` by the camera's clock, or the beginning of that."),
    ]
    taken_from: Annotated[
        DateSource | None,
        Field(description="Where the date comes from: EXIF, XMP in the file or beside it, or the file name."),
    ]
    matched: Annotated[
        Matched | None,
        Field(
            description="Field that contains the words of the query. Absent if only what the photo shows is similar.",
            exclude_if=_is_empty,
        ),
    ] = None
    fusion_score: Annotated[
        float | None,
        Field(description="Combined score that orders reranked hits. Absent from others.", exclude_if=_is_empty),
    ] = None
    scores: Annotated[
        list[ScoreOfBundle], Field(description="Scores of both bundles. Absent unless reranked.", exclude_if=_is_empty)
    ] = []
    incomplete: Annotated[
        bool,
        Field(description="True if the photo's file ends early. Absent from others.", exclude_if=_is_empty),
    ] = False
    duplicates: Annotated[list[PhotoHit], Field(description="Near-duplicates of this hit.")] = []

    @classmethod
    def of(cls, hit: Hit) -> PhotoHit:
        """Return a hit without the path of its file on the server."""
        duplicates = [cls.of(other) for other in hit.duplicates]
        return cls.model_validate({**hit.to_json(), "id": str(hit.id), "duplicates": duplicates})


class TookMs(BaseModel):
    """Duration of each step in milliseconds, without the wait for a free core."""

    encode: float
    search: float


class SearchAnswer(BaseModel):
    """The hits, best first, all from one generation of the gallery."""

    hits: list[PhotoHit]
    took_ms: TookMs
    generation: str


class Description(BaseModel):
    """A caption of the gallery."""

    rank: Annotated[int, Field(ge=1)]
    text: str
    score: Annotated[float, Field(description="Cosine of photo and caption.")]


class DescribeAnswer(BaseModel):
    """The captions, best first."""

    sentences: list[Description]


class EmbedAnswer(BaseModel):
    """Unit vectors in the order of the texts; vectors with the same fingerprint are comparable."""

    vectors: list[list[float]]
    dim: int
    fingerprint: str


class Version(BaseModel):
    """The version of photoseek."""

    version: str = __version__


class About(Version):
    """What answers here; ``openapi`` is the address of the description of every endpoint, relative to this one."""

    name: str = "photoseek"
    summary: str = SUMMARY
    openapi: str = "openapi.json"


class Alive(BaseModel):
    """The process responds."""

    status: str = "alive"


class Ready(BaseModel):
    """The gallery responds; ``degraded``: with exact search, because its index is damaged."""

    status: Literal["ready", "degraded"] = "ready"
    generation: str
    photos: int


def body_schema(fields: type[Request], form: type[Request], example: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI description of a body that is JSON, or a form with a photo and the fields of ``form``."""
    photo = {"type": "string", "format": "binary", "description": "The file of a photo."}
    properties = {name: _in_form(schema) for name, schema in form.model_json_schema()["properties"].items()}
    form_schema = {
        "type": "object",
        "required": ["photo"],
        "properties": {"photo": photo, **properties},
        "additionalProperties": False,
    }
    content = {
        "application/json": {"schema": fields.model_json_schema(), "example": example},
        "multipart/form-data": {"schema": form_schema},
    }
    return {"requestBody": {"required": True, "content": content}}


def query_parameters(fields: type[Request], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the OpenAPI description of fields in an address; ``names`` are those that differ from the fields'."""
    found = fields.model_json_schema()["properties"].items()
    parameters = [
        {
            "name": names.get(name, name),
            "in": "query",
            "required": False,
            "description": schema.get("description", ""),
            "schema": {key: value for key, value in _in_form(schema).items() if key not in ("description", "default")},
        }
        for name, schema in found
    ]
    return {"parameters": parameters}


def _in_form(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field in a form, which has no null: an absent field is omitted."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and value is not None}
    return {**rest, **(kinds[0] if kinds else {})}
