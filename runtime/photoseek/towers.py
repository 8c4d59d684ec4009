"""A tower of a bundle at run time: a graph that is opened when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from photoseek.bundle import Bundle
from photoseek.errors import BundleDamaged, BundleIncompatible
from photoseek.forking import Inherited
from photoseek.manifest import Layout, hint_of
from photoseek.vectors import Vectors, normalise

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from photoseek.sessions import Graph, Mode

_MAX_TOKENS = 512  # where a tokenizer names no limit of its own

Tokens = npt.NDArray[np.int64]


class Tower(Inherited):
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
        self._graph: Graph | None = None
        self._lock = threading.Lock()
        self.tell_of_forks()

    def after_fork_in_child(self) -> None:
        """Another thread may have held the lock."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.bundle.name!r}, {self.precision})"

    @property
    def loaded(self) -> bool:
        """Whether the graph is in memory."""
        return self._graph is not None

    def _open(self, name: str) -> Graph:
        with self._lock:
            if self._graph is None:
                from photoseek.sessions import Graph  # onnxruntime takes a tenth of a second to import

                self._graph = Graph(self.bundle.verified_graph(name), self._threads, self._mode)
            return self._graph

    def _unit(self, embeds: npt.NDArray[np.float32], rows: int, graph: Graph) -> Vectors:
        if embeds.shape != (rows, self.bundle.dim):
            raise BundleIncompatible(
                f"{graph.path}: expected its first output as ({rows}, {self.bundle.dim}), found {embeds.shape}"
            )
        try:
            return normalise(embeds)
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

        In int8 each has a run of its own: activations are scaled by the largest of the run, so that a text's vector
        would change with its neighbours; and a run of one is as fast for each.
        """
        batch_size = 1 if self.precision == "int8" else batch_size
        graph = self._open(Layout.text_model(self.precision, self.language))
        ids = self.tokenize(texts)
        order = np.argsort([len(row) for row in ids], kind="stable")
        vectors = np.empty((len(ids), self.bundle.dim), dtype=np.float32)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            vectors[rows] = self._encode_batch([ids[row] for row in rows], graph)
        return vectors

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        """The token ids of each text, with [CLS] and [SEP], cut off where the tower's reading ends."""
        return [np.asarray(encoding.ids, dtype=np.int64) for encoding in self._tokenizer.encode_batch(list(texts))]

    def _encode_batch(self, ids: list[Tokens], graph: Graph) -> Vectors:
        longest = max(len(row) for row in ids)
        input_ids = np.full((len(ids), longest), self._pad_id, dtype=np.int64)
        attention_mask = np.zeros_like(input_ids)
        for row, tokens in enumerate(ids):
            input_ids[row, : len(tokens)] = tokens
            attention_mask[row, : len(tokens)] = 1
        feeds = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": np.zeros_like(input_ids),
        }
        return self._unit(graph.run(feeds), len(ids), graph)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return _load_tokenizer(self.bundle, self.language)

    @cached_property
    def _pad_id(self) -> int:
        name = Layout.tokenizer_config(self.language)
        pad = self.bundle.read_json(name).get("pad_token", "[PAD]")
        token = pad.get("content") if isinstance(pad, dict) else pad
        if not isinstance(token, str):
            raise BundleDamaged(f"{self.bundle.path / name}: expected pad_token as a text, found {pad!r:.80}")
        return self._tokenizer.token_to_id(token) or 0


def _load_tokenizer(bundle: Bundle, language: str | None) -> Tokenizer:
    """The tokenizer, set to truncate and never to pad."""
    from tokenizers import Tokenizer

    path = bundle.verified(Layout.tokenizer(language))
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise BundleDamaged(f"{path}: not a tokenizer: {error}{hint_of(path)}; export the bundle anew") from error
    tokenizer.encode_special_tokens = True  # "[SEP]" typed by a user is text
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=_max_tokens(bundle.read_json(Layout.tokenizer_config(language))))
    return tokenizer


def _max_tokens(config: dict[str, Any]) -> int:
    limit = config.get("model_max_length", config.get("max_length"))
    return int(min(limit, _MAX_TOKENS)) if isinstance(limit, int | float) and limit > 0 else _MAX_TOKENS
