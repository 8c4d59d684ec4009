"""The model that is recommended to users of the embedded bundle."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from photoseek.bundle.installed_models import find_model
from photoseek.bundle.model_registry import registered_models
from photoseek.models.hub import endpoint

MAX_MEGABYTES = 500
"""Largest download that is recommended."""


@dataclass(frozen=True)
class Recommendation:
    """A model of the registry in its smallest precision.

    Attributes:
        name: Its name.
        precision: The precision.
        megabytes: Size of the download.
        license: The license of its weights.
        repository: Its repository on the hub.
    """

    name: str
    precision: str
    megabytes: int
    license: str
    repository: str

    @property
    def is_installed(self) -> bool:
        """Whether it is installed, in any precision."""
        return find_model(self.name) is not None

    @property
    def address(self) -> str:
        """The address that it is downloaded from."""
        return f"{endpoint() or 'https://huggingface.co'}/{self.repository}"

    @property
    def pull_command(self) -> str:
        """The command line that downloads it."""
        return f"photoseek models pull {self.name} --precision {self.precision}"


def recommended_model(language: str) -> Recommendation:
    """Return the model with the highest published recall in a language among downloads up to ``MAX_MEGABYTES``.

    Recalls of different benchmarks are not comparable: only the benchmark with the most of these models counts.

    Args:
        language: ISO 639-1 code of a language of the registry.
    """
    found = [
        (model, *min(model.megabytes.items(), key=lambda item: item[1]))
        for model in registered_models().values()
        if language in model.recall and min(model.megabytes.values(), default=MAX_MEGABYTES + 1) <= MAX_MEGABYTES
    ]
    benchmark, _ = Counter(model.benchmark for model, *_ in found).most_common(1)[0]
    comparable = [each for each in found if each[0].benchmark == benchmark]
    model, precision, megabytes = max(comparable, key=lambda each: each[0].recall[language])
    return Recommendation(model.name, precision, megabytes, model.license, model.repository)
