"""Responses that report the state of the service and of indexing, also published in ``/openapi.json``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from photoseek.service.errors import ErrorBody
from photoseek.service.schemas import example
from photoseek.version import __version__

SUMMARY = "Find photos by what they show."
"""What the service does."""


class Version(BaseModel):
    """The version of photoseek."""

    model_config = example(version=__version__)

    version: str = __version__


class About(Version):
    """What answers here; ``openapi`` is the address of the description of every endpoint, relative to this one."""

    model_config = example(version=__version__, name="photoseek", summary=SUMMARY, openapi="openapi.json")

    name: str = "photoseek"
    summary: str = SUMMARY
    openapi: str = "openapi.json"


class Alive(BaseModel):
    """The process responds."""

    model_config = example(status="alive")

    status: str = "alive"


class Ready(BaseModel):
    """The gallery responds; ``degraded``: with exact search, because its index is damaged."""

    model_config = example(status="ready", generation="000001", photos=120)

    status: Literal["ready", "degraded"] = "ready"
    generation: str
    photos: int


IndexState = Literal["idle", "running", "stopping", "completed", "stopped", "failed"]


class IndexCounts(BaseModel):
    """Photos of a completed run, by what was done with them."""

    photos: int
    encoded: int
    reused: Annotated[int, Field(description="New or renamed photos whose content was encoded before.")]
    unchanged: int
    removed: int
    unreadable: int
    skipped: Annotated[int, Field(description="Folders and files that could not be read.")]
    skipped_bundles: Annotated[list[str], Field(description="Additional bundles that could not be loaded.")]
    seconds: float


class IndexStatus(BaseModel):
    """The current run, or the last one since the service started."""

    model_config = example(
        state="running",
        other_process=False,
        phase="encode",
        done=1200,
        total=4000,
        seconds_left=61.5,
        started="2026-11-29T12:00:00Z",
        finished=None,
        report=None,
        error=None,
    )

    state: IndexState
    other_process: Annotated[bool, Field(description="Whether another process is writing the gallery.")]
    phase: Annotated[Literal["encode", "build"] | None, Field(description="Photos, or the index of their vectors.")] = (
        None
    )
    done: Annotated[int, Field(description="In this phase of one bundle.")] = 0
    total: int = 0
    seconds_left: Annotated[float | None, Field(description="Estimate for this phase.")] = None
    started: datetime | None = None
    finished: datetime | None = None
    report: Annotated[IndexCounts | None, Field(description="Of a completed run.")] = None
    error: Annotated[ErrorBody | None, Field(description="Of a failed run.")] = None
