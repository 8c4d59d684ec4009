"""The registry of models that ``photoseek models pull NAME`` downloads: ``models.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("models.toml")


@dataclass(frozen=True)
class Benchmark:
    """What the recall of a model was measured with.

    Attributes:
        name: The name of the data.
        measure: What the figure is.
        source: The address where it was published.
    """

    name: str
    measure: str
    source: str


@dataclass(frozen=True)
class RepositoryFiles:
    """Files of a repository on the hub; revision None: the latest commit."""

    repository: str
    files: tuple[str, ...]
    revision: str | None = None


@dataclass(frozen=True)
class RegisteredModel:
    """A model of the registry.

    Attributes:
        name: The name that commands accept.
        title: What it is.
        repository: Its repository on the hub.
        layout: The layout of its files.
        license: The license of its weights.
        languages: ISO 639-1 codes of its languages.
        dim: Length of its vectors.
        pixels: Side of the pictures that its image tower takes.
        files: Files of each precision, the most exact first.
        common: Files of every precision.
        revision: The pinned commit. None: the commit of the first pull is pinned.
        folder: Folder of the repository that is not part of the names of installed files.
        megabytes: Size of the download per precision, where it is known.
        gflop: Floating-point operations in billions, two for a multiplication with an addition: ``photo``, and ``text``
            for a query of 16 tokens, or of as many as the graph always gets.
        recall: Published recall in percent by language.
        benchmark: What the recall was measured with.
        sha256: Known checksums by file.
        more: Files from other repositories.
    """

    name: str
    title: str
    repository: str
    layout: str
    license: str
    languages: tuple[str, ...]
    dim: int
    pixels: int
    files: Mapping[str, tuple[str, ...]]
    common: tuple[str, ...] = ()
    revision: str | None = None
    folder: str = ""
    megabytes: Mapping[str, int] = field(default_factory=dict)
    gflop: Mapping[str, float] = field(default_factory=dict)
    recall: Mapping[str, float] = field(default_factory=dict)
    benchmark: Benchmark | None = None
    sha256: Mapping[str, str] = field(default_factory=dict)
    more: tuple[RepositoryFiles, ...] = ()

    @property
    def default_precision(self) -> str:
        """The most exact precision."""
        return next(iter(self.files))

    @classmethod
    def from_toml(cls, name: str, values: Mapping[str, Any], benchmarks: Mapping[str, Benchmark]) -> RegisteredModel:
        """Return a model from its table."""
        more = [
            RepositoryFiles(each["repository"], tuple(each["files"]), each.get("revision"))
            for each in values.get("more", ())
        ]
        changed: dict[str, Any] = {
            "languages": tuple(values["languages"]),
            "files": {precision: tuple(files) for precision, files in values["files"].items()},
            "common": tuple(values.get("common", ())),
            "benchmark": benchmarks.get(values.get("benchmark", "")),
            "more": tuple(more),
        }
        return cls(name=name, **{**values, **changed})


@cache
def registered_models() -> Mapping[str, RegisteredModel]:
    """Return the models of the registry by name."""
    import tomllib  # only commands about models read the registry

    values = tomllib.loads(_FILE.read_text("utf-8"))
    benchmarks = {name: Benchmark(**facts) for name, facts in values["benchmarks"].items()}
    return {name: RegisteredModel.from_toml(name, facts, benchmarks) for name, facts in values["models"].items()}
