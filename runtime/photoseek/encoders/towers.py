"""The towers of a bundle at run time; each opens its graph when it is first used."""

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
    """A tower of a bundle. May be shared between threads, and used in a forked child."""

    def __init__(
        self,
        bundle: Bundle,
        precision: str | None = None,
        threads: int | None = None,
        mode: Mode = "latency",
    ) -> None:
        """Select the precision; nothing is loaded yet. Parameters and errors are those of ``TextEncoder``."""
        self.bundle = bundle
        self.precision = bundle.select_precision(precision)
        self._threads = threads
        self._mode: Mode = mode
        self._graph: OnnxSession | None = None
        self._lock = threading.Lock()
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Replace the lock, which another thread of the parent may have acquired."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.bundle.name!r}, {self.precision})"

    @property
    def is_loaded(self) -> bool:
        """Whether the graph is in memory."""
        return self._graph is not None

    def _open(self, spec: GraphSpec) -> OnnxSession:
        with self._lock:
            if self._graph is None:
                from photoseek.bundle.onnx_session import OnnxSession  # onnxruntime takes a tenth of a second to import

                self._graph = OnnxSession(
                    self.bundle.graph_path(spec),
                    self._threads,
                    self._mode,
                    inputs=spec.inputs,
                    output=spec.output,
                    content=self.bundle.graph_content(spec),
                )
            return self._graph

    def _normalize(self, embeds: npt.NDArray[np.float32], rows: int, graph: OnnxSession) -> Vectors:
        if embeds.shape != (rows, self.bundle.dim):
            raise BundleIncompatible(
                f"{graph.path}: expected its {graph.output} as ({rows}, {self.bundle.dim}), found {embeds.shape}"
            )
        try:
            return normalize(embeds)
        except ValueError as error:
            raise BundleDamaged(
                f"{graph.path}: expected finite vectors other than zero: {error}; copy or export the bundle again"
            ) from error


class TextTower(Tower):
    """Sentences of one language -> unit vectors."""

    def __init__(
        self, bundle: Bundle, precision: str | None, threads: int | None, mode: Mode, language: str | None = None
    ) -> None:
        """Select the tower of a language; None: the main one."""
        super().__init__(bundle, precision, threads, mode)
        self.language = language

    def encode(self, texts: Sequence[str], batch_size: int) -> Vectors:
        """Return unit vectors (n, dim); texts of similar length share a batch, so that little is padded."""
        spec = self.bundle.text_graph(self.precision, self.language)
        batch_size = 1 if spec.batch_size_one else batch_size
        graph = self._open(spec)
        ids = self.tokenize(texts)
        order = np.argsort([len(row) for row in ids], kind="stable")
        vectors = np.empty((len(ids), self.bundle.dim), dtype=np.float32)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            embeds = graph.run(self._tokenization.feeds([ids[row] for row in rows]))
            vectors[rows] = self._normalize(embeds, len(rows), graph)
        return vectors

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the token ids of each text, special tokens included, truncated."""
        return self._tokenization.ids(texts)

    def unknown_share(self, text: str) -> float:
        """Return the share of a text's tokens that the tower's vocabulary does not contain, in [0, 1]."""
        return self._tokenization.unknown_share(text)

    @cached_property
    def _tokenization(self) -> Tokenization:
        return self.bundle.tokenization(self.language)
