"""Requests and responses as JSON, also published in ``/openapi.json``.

Unknown fields are refused, so that an older server never ignores a part of a newer request.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from photoseek.gallery.filters import TYPES, Filter, Orientation
from photoseek.photos.dates import DateSource
from photoseek.search.hits import Hit
from photoseek.search.name_query import Matched, Names
from photoseek.service.limits import MAX_DEPTH, MAX_ID, MAX_K, MAX_OFFSET, MAX_QUERIES, MAX_TEXT, MAX_TEXTS

Text = Annotated[str, Field(max_length=MAX_TEXT)]
Date = Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$", examples=["2024", "2024-05", "2024-05-17"])]
Language = Annotated[
    str | None,
    Field(max_length=16, description="Language of the text. Detected from its script by default.", examples=["en"]),
]
Base64 = Annotated[
    str | None,
    Field(description="The file of a photo, in base64.", json_schema_extra={"contentEncoding": "base64"}),
]
PhotoId = Annotated[int, Field(ge=1, le=MAX_ID, description="Id of a photo, never reused for another picture.")]


def example(**values: Any) -> ConfigDict:
    """Return the configuration of an answer with an example."""
    return ConfigDict(json_schema_extra={"examples": [values]})


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
    camera: Annotated[Text | None, Field(description="Make and model of the camera.", examples=["Canon EOS R6"])] = None

    @property
    def where(self) -> Filter:
        """The filters of the request.

        Raises:
            QueryError: Invalid filter.
        """
        return Filter(**{it.name: getattr(self, it.name) for it in fields(Filter)})


class SearchJson(SearchRequest):
    """A query as JSON."""

    photo: Base64 = None


class SearchBatch(Request):
    """Several queries."""

    queries: Annotated[list[SearchJson], Field(min_length=1, max_length=MAX_QUERIES)]


class DescribeRequest(Request):
    """A photo to describe: one of the gallery, or an upload."""

    similar_to: Annotated[Text | None, Field(description="Path of a photo of the gallery.")] = None
    k: Annotated[int, Field(ge=1, le=MAX_K, description="Maximum number of captions.")] = 5


class DescribeJson(DescribeRequest):
    """A photo to describe, as JSON."""

    photo: Base64 = None


class EmbedRequest(Request):
    """Texts to embed, or a photo."""

    texts: Annotated[list[Text] | None, Field(min_length=1, max_length=MAX_TEXTS)] = None
    photo: Base64 = None
    language: Language = None

    @model_validator(mode="after")
    def _has_one_kind(self) -> EmbedRequest:
        if (self.texts is None) == (self.photo is None):
            raise ValueError("expected either texts or a photo")
        return self


class EmbedForm(Request):
    """A photo to embed."""


_HIT: dict[str, Any] = {
    "rank": 1,
    "id": 67,
    "path": "scene-2000066.jpg",
    "score": 0.4838,
    "confidence": 0.0433,
    "low_confidence": True,
    "width": 320,
    "height": 240,
    "taken": "2024-05-17 09:30:00",
    "taken_from": "exif",
    "camera": "Canon EOS R6",
    "duplicates": [],
}
_SEARCH: dict[str, Any] = {"hits": [_HIT], "took_ms": {"encode": 1.788, "search": 0.783}, "generation": "000001"}


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
    id: PhotoId
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
    camera: Annotated[
        str | None,
        Field(description="Make and model of the camera by EXIF. Absent if unknown.", exclude_if=_is_empty),
    ] = None
    duplicates: Annotated[list[PhotoHit], Field(description="Near-duplicates of this hit.")]

    @classmethod
    def of(cls, hit: Hit) -> PhotoHit:
        """Return a hit without the path of its file on the server."""
        duplicates = [cls.of(other) for other in hit.duplicates]
        return cls.model_validate({**hit.to_json(), "duplicates": duplicates})


class TookMs(BaseModel):
    """Duration of each step in milliseconds, without the wait for a free core."""

    encode: float
    search: float


class SearchAnswer(BaseModel):
    """The hits, best first, all from one generation of the gallery."""

    model_config = example(**_SEARCH)

    hits: list[PhotoHit]
    took_ms: TookMs
    generation: str


class BatchAnswer(BaseModel):
    """The answers, in the order of the queries."""

    model_config = example(answers=[_SEARCH])

    answers: list[SearchAnswer]


class Description(BaseModel):
    """A caption of the gallery."""

    rank: Annotated[int, Field(ge=1)]
    text: str
    score: Annotated[float, Field(description="Cosine of photo and caption.")]


class DescribeAnswer(BaseModel):
    """The captions, best first."""

    model_config = example(sentences=[{"rank": 1, "text": "two dogs run on a beach", "score": 0.5312}])

    sentences: list[Description]


class EmbedAnswer(BaseModel):
    """Unit vectors in the order of the texts; vectors with the same fingerprint are comparable."""

    model_config = example(vectors=[[0.6, -0.8]], dim=2, fingerprint="36fbc21066b34ab4...")

    vectors: list[list[float]]
    dim: int
    fingerprint: str


class FolderPhotos(BaseModel):
    """A folder of the gallery."""

    path: Annotated[str, Field(description="Relative to the photo folder, as a search accepts it for `folder`.")]
    photos: Annotated[int, Field(ge=1, description="Number of its photos, including those in subfolders.")]


class FoldersAnswer(BaseModel):
    """Every folder that contains photos, itself or in subfolders, in the order of the paths."""

    model_config = example(
        photos=120,
        folders=[{"path": "2024", "photos": 90}, {"path": "2024/Italy", "photos": 40}],
        generation="000001",
    )

    photos: Annotated[int, Field(description="Number of photos in the gallery.")]
    folders: list[FolderPhotos]
    generation: str
