"""A tower of a bundle at run time: a graph that is opened when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from photoseek.bundle.bundle import Bundle
from photoseek.bundle.description import GraphSpec
from photoseek.bundle.tokenization import Tokenization, Tokens
from photoseek.errors import BundleDamaged, BundleIncompatible
from photoseek.system.fork_safety import ForkAware
from photoseek.vectors import Vectors, normalize

if TYPE_CHECKING:
    from photoseek.bundle.onnx_session import Mode, OnnxSession


class Tower(ForkAware):
    """What all towers share. May be shared between threads, and used in a forked child."""

    def __init__(
        self,
        bundle: Bundle,
        precision: str | None = None,
        threads: int | None = None,
        mode: Mode = "latency",
    ) -> None:
        self.bundle = bundle
        self.precision = bundle.choose(precision)
        self._threads = threads
        self._mode: Mode = mode
        self._graph: OnnxSession | None = None
        self._lock = threading.Lock()
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Another thread may have held the lock."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.bundle.name!r}, {self.precision})"

    @property
    def is_loaded(self) -> bool:
        """Whether the graph is in memory."""
        return self._graph is not None

    def _open(self, tower: GraphSpec) -> OnnxSession:
        with self._lock:
            if self._graph is None:
                from photoseek.bundle.onnx_session import OnnxSession  # onnxruntime takes a tenth of a second to import

                path = self.bundle.graph_of(tower.file)
                self._graph = OnnxSession(path, self._threads, self._mode, inputs=tower.inputs, output=tower.output)
            return self._graph

    def _unit(self, embeds: npt.NDArray[np.float32], rows: int, graph: OnnxSession) -> Vectors:
        if embeds.shape != (rows, self.bundle.dim):
            raise BundleIncompatible(
                f"{graph.path}: expected its {graph.output} as ({rows}, {self.bundle.dim}), found {embeds.shape}"
            )
        try:
            return normalize(embeds)
        except ValueError as error:
            raise BundleDamaged(f"{graph.path}: makes no usable vectors: {error}") from error


class TextTower(Tower):
    """Sentences of one language -> unit vectors."""

    def __init__(
        self,
        bundle: Bundle,
        precision: str | None = None,
        threads: int | None = None,
        mode: Mode = "latency",
        *,
        language: str | None = None,
    ) -> None:
        """``language``: whose tower; None: the bundle's main one."""
        super().__init__(bundle, precision, threads, mode)
        self.language = language

    def encode(self, texts: Sequence[str], batch_size: int) -> Vectors:
        """Unit vectors (n, dim) of texts that the tokenizer takes; those of like length share a run.

        In int8 each has a run of its own: see ``GraphSpec.batch_size_one``; and a run of one is as fast for each.
        """
        tower = self.bundle.text_graph(self.precision, self.language)
        batch_size = 1 if tower.batch_size_one else batch_size
        graph = self._open(tower)
        ids = self.tokenize(texts)
        order = np.argsort([len(row) for row in ids], kind="stable")
        vectors = np.empty((len(ids), self.bundle.dim), dtype=np.float32)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            vectors[rows] = self._encode_batch([ids[row] for row in rows], graph)
        return vectors

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        """The token ids of each text, with [CLS] and [SEP], cut off where the tower's reading ends."""
        return self._tokenization.ids(texts)

    def _encode_batch(self, ids: list[Tokens], graph: OnnxSession) -> Vectors:
        return self._unit(graph.run(self._tokenization.feeds(ids)), len(ids), graph)

    @cached_property
    def _tokenization(self) -> Tokenization:
        return self.bundle.tokenization(self.language)
