"""Which file a tower is, and how it is fed and read: exporters give inputs and outputs names of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TowerGraph:
    """A tower's graph.

    Attributes:
        file: Its path inside the bundle.
        inputs: For inputs of another name than ours (``input_ids``, ``attention_mask``, ``token_type_ids``,
            ``pixel_values``): which of ours each takes.
        output: The output that is the embedding. None: the first.
        alone: Whether texts or photos run one by one: activations of some int8 graphs are scaled by the largest of the
            run, so that a vector would change with its neighbours.
    """

    file: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    output: str | None = None
    alone: bool = False
