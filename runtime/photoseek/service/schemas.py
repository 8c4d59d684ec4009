"""What is asked and answered, as JSON; also the schema that ``/openapi.json`` publishes.

Fields that are not known are refused, so that an older server never ignores a part of a newer question.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from photoseek.gallery.filters import TYPES, Filter, Orientation
from photoseek.search.hits import Hit
from photoseek.service.limits import MAX_DEPTH, MAX_K, MAX_TEXT, MAX_TEXTS

Text = Annotated[str, Field(max_length=MAX_TEXT)]
Date = Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$", examples=["2024", "2024-05", "2024-05-17"])]
Language = Annotated[
    str | None,
    Field(max_length=16, description="Whose text tower reads the text; left out: told by its script.", examples=["en"]),
]


class Request(BaseModel):
    """What all requests share: no number is taken for a text, and no unknown field for nothing."""

    model_config = ConfigDict(strict=True, extra="forbid")


class SearchRequest(Request):
    """What is searched for: a text, in a form with a photo, or both."""

    text: Annotated[Text | None, Field(description="What the photos should show.")] = None
    similar_to: Annotated[
        Text | None, Field(description="Path of a photo of the gallery that they should be like.")
    ] = None
    k: Annotated[int, Field(ge=1, le=MAX_K, description="How many hits, at most.")] = 5
    language: Language = None
    rerank: Annotated[
        bool | None,
        Field(description="Rerank the top hits. Defaults to true if the service has a second bundle."),
    ] = None
    depth: Annotated[int | None, Field(ge=1, le=MAX_DEPTH, description="Number of hits to rerank.")] = None
    group_duplicates: Annotated[
        bool, Field(description="Whether near-duplicates count as one hit, in its `duplicates`.")
    ] = False
    folder: Annotated[Text | None, Field(description="Only photos in this folder, inside the photo folder.")] = None
    taken_from: Annotated[Date | None, Field(description="Taken then or later.")] = None
    taken_to: Annotated[Date | None, Field(description="Taken then or before.")] = None
    min_megapixels: Annotated[float | None, Field(ge=0, description="At least so many million pixels.")] = None
    max_megapixels: Annotated[float | None, Field(ge=0, description="At most so many million pixels.")] = None
    orientation: Orientation | None = None
    type: Annotated[str | None, Field(description="File type.", json_schema_extra={"enum": [*TYPES, None]})] = None

    @property
    def where(self) -> Filter:
        """The conditions among the fields.

        Raises:
            QueryError: One of them is none.
        """
        return Filter(**{it.name: getattr(self, it.name) for it in fields(Filter)})


class DescribeRequest(Request):
    """A photo of the gallery to describe, or how many sentences for one that is sent along."""

    similar_to: Annotated[Text | None, Field(description="Path of a photo of the gallery.")] = None
    k: Annotated[int, Field(ge=1, le=MAX_K, description="How many sentences, at most.")] = 5


class EmbedRequest(Request):
    """Texts to turn into vectors."""

    texts: Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]
    language: Language = None


class EmbedForm(Request):
    """A form with a photo, and nothing beside it."""


def _is_nothing(value: object) -> bool:
    return value is None or value == []


class ScoreOfBundle(BaseModel):
    """What one of two bundles says of a photo."""

    bundle: str
    score: Annotated[float | None, Field(description="Cosine of query and photo; null: the photo is gone or changed.")]
    rank: Annotated[int | None, Field(ge=1, description="Among the photos that both looked at.")]


class PhotoHit(BaseModel):
    """A photo that was found; ``id`` stands in the addresses of the photo and its thumbnail."""

    rank: Annotated[int, Field(ge=1)]
    id: str
    path: Annotated[str, Field(description="Relative to the photo folder.")]
    score: Annotated[float, Field(description="Cosine of query and photo.")]
    confidence: Annotated[float | None, Field(description="Probability that the photo shows what the text says.")]
    low_confidence: Annotated[bool, Field(description="Whether the score is lower than best hits commonly have.")]
    width: int
    height: int
    taken: Annotated[str | None, Field(description="`YYYY-MM-DD HH:MM:SS` by the camera's clock.")]
    fusion_score: Annotated[
        float | None,
        Field(description="What reranked hits are in the order of; others have none.", exclude_if=_is_nothing),
    ] = None
    scores: Annotated[
        list[ScoreOfBundle], Field(description="What both bundles say; of reranked hits alone.", exclude_if=_is_nothing)
    ] = []
    duplicates: Annotated[list[PhotoHit], Field(description="Near-duplicates that were folded into this hit.")] = []

    @classmethod
    def of(cls, hit: Hit) -> PhotoHit:
        """The hit without where its file lies on the server."""
        duplicates = [cls.of(other) for other in hit.duplicates]
        return cls.model_validate({**hit.to_json(), "id": str(hit.id), "duplicates": duplicates})


class TookMs(BaseModel):
    """Milliseconds of each step; waiting for a free core is part of neither."""

    encode: float
    search: float


class SearchAnswer(BaseModel):
    """The hits, best first, all of one generation of the gallery."""

    hits: list[PhotoHit]
    took_ms: TookMs
    generation: str


class Description(BaseModel):
    """A caption of the gallery that describes the photo."""

    rank: Annotated[int, Field(ge=1)]
    text: str
    score: Annotated[float, Field(description="Cosine of photo and caption.")]


class DescribeAnswer(BaseModel):
    """The captions, best first."""

    sentences: list[Description]


class EmbedAnswer(BaseModel):
    """Unit vectors in the order of the texts; those of equal fingerprints can be compared."""

    vectors: list[list[float]]
    dim: int
    fingerprint: str


class Alive(BaseModel):
    """The process answers."""

    status: str = "alive"


class Ready(BaseModel):
    """The gallery answers; ``degraded``: by exact search, since its index is damaged."""

    status: Literal["ready", "degraded"] = "ready"
    generation: str
    photos: int


def body_schema(fields: type[Request], form: type[Request], example: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI description of a body that is JSON, or a form with a photo and the fields of ``form``."""
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


def _in_form(schema: dict[str, Any]) -> dict[str, Any]:
    """A form has no null: a field is left out instead."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    kept = {key: value for key, value in schema.items() if key != "anyOf" and value is not None}
    return {**kept, **(kinds[0] if kinds else {})}
