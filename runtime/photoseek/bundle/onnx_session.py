"""onnxruntime sessions on the CPU, with errors that name the file."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from photoseek.errors import BundleDamaged, BundleIncompatible, QueryError
from photoseek.system.cpu import available_cores
from photoseek.system.fork_safety import ForkAware, leak_native_object

# onnxruntime's wheels report usage over the network unless this is set before they are imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime as ort

Mode: TypeAlias = Literal["latency", "service"]
"""``latency``: one caller, whose run uses every core, and whose threads spin briefly while they wait for each
other. ``service``: many callers, each with one core, so that they do not wait for each other's threads."""

_TYPES: dict[str, npt.DTypeLike] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
"""The types of inputs that are supported, by onnxruntime's names."""

_open_lock = threading.Lock()  # onnxruntime does not promise that sessions may be built concurrently


class OnnxSession(ForkAware):
    """One ONNX graph. May be shared between threads; a forked child reads it from its file again."""

    def __init__(
        self,
        path: Path,
        threads: int | None = None,
        mode: Mode = "latency",
        *,
        inputs: Mapping[str, str] | None = None,
        output: str | None = None,
        content: str | None = None,
    ) -> None:
        """Open a graph on the CPU.

        Args:
            path: The ``.onnx`` file.
            threads: Threads of one run. None: as many as the mode uses.
            mode: See ``Mode``.
            inputs: For inputs of the graph with another name than in the feeds of ``run``: their names there.
            output: The name of the output to return. None: the first.
            content: A hash of the graph and its weights, by which ``graph_cache`` keeps the optimized graph. None: it
                is optimized each time.

        Raises:
            BundleDamaged: onnxruntime cannot read the file.
            BundleIncompatible: It has no such output, or an input of an unsupported type.
            QueryError: No such mode.
        """
        if mode not in get_args(Mode):
            raise QueryError(f"expected a mode among {', '.join(get_args(Mode))}, found {mode!r}")
        self.path = path
        self._threads = threads
        self._mode: Mode = mode
        self._content = content
        self._lock = threading.Lock()
        self._session: ort.InferenceSession | None = None
        declared, outputs = self._signature()
        self.inputs = tuple(declared)
        self.output = output or next(iter(outputs), "")
        if self.output not in outputs:
            what = f"an output {output!r}" if output else "an output"
            raise BundleIncompatible(f"{path}: expected {what}, found {', '.join(outputs) or 'none'}")
        self._sources = {name: (inputs or {}).get(name, name) for name in declared}
        self._types = {name: self._type(name, kind) for name, (kind, _) in declared.items()}
        self._batch_size = next((shape[0] for _, shape in declared.values() if shape and type(shape[0]) is int), None)
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Never use the inherited session again: its threads are in the parent, and freeing it crashes."""
        self._lock = threading.Lock()
        leak_native_object(self._session)
        self._session = None

    def run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """Return the output; inputs are cast to the declared types, and feeds that the graph does not declare ignored.

        A graph with a fixed batch size runs as often as necessary.

        Raises:
            BundleIncompatible: The graph has an input that is missing in ``feeds``, or cannot run on them.
        """
        missing = [name for name in self.inputs if self._sources[name] not in feeds]
        if missing:
            raise BundleIncompatible(f"{self.path}: expected inputs among {', '.join(feeds)}, found {missing[0]!r}")
        arrays = {name: feeds[self._sources[name]].astype(self._types[name], copy=False) for name in self.inputs}
        rows, size = len(next(iter(arrays.values()), ())), self._batch_size
        if size is None or rows in (0, size):
            return self._run(arrays)
        batches = (
            {name: _batch(array, start, size) for name, array in arrays.items()} for start in range(0, rows, size)
        )
        return np.concatenate([self._run(batch) for batch in batches])[:rows]

    def _run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        session = self._open()
        try:
            found = session.run([self.output], dict(feeds))[0]
        except Exception as error:
            _check_memory(error)
            raise BundleIncompatible(f"{self.path}: cannot run: {_first_line(error)}") from error
        return np.asarray(found, dtype=np.float32)

    def _signature(self) -> tuple[dict[str, tuple[str, list[Any]]], list[str]]:
        """Return type and shape of each input, by name, and the names of the outputs."""
        session = self._open()
        try:
            inputs = {node.name: (node.type, node.shape) for node in session.get_inputs()}
            return inputs, [node.name for node in session.get_outputs()]
        except Exception as error:  # a name that is not UTF-8
            raise BundleDamaged(f"{self.path}: onnxruntime cannot read it: {_first_line(error)}") from error

    def _type(self, name: str, declared: str) -> npt.DTypeLike:
        if declared not in _TYPES:
            raise BundleIncompatible(
                f"{self.path}: expected the input {name!r} as one of {', '.join(_TYPES)}, found {declared}"
            )
        return _TYPES[declared]

    def _open(self) -> ort.InferenceSession:
        """Return the session of this process."""
        if (session := self._session) is not None:
            return session
        with self._lock:
            if self._session is None:
                self._session = _session(self.path, self._content, self._threads, self._mode)
            return self._session


def _session(path: Path, content: str | None, threads: int | None, mode: Mode) -> ort.InferenceSession:
    try:
        with _open_lock:
            cached = None if content is None else _cached_session(path, content, threads, mode)
            return cached or _build(path, _options(threads, mode))
    except Exception as error:  # onnxruntime raises a class of its own for each kind of damage
        _check_memory(error)
        raise BundleDamaged(f"{path}: onnxruntime cannot read it: {_first_line(error)}") from error


def _cached_session(path: Path, content: str, threads: int | None, mode: Mode) -> ort.InferenceSession | None:
    """Return the session of the optimized graph, which is added to the cache if it is missing; None if this fails."""
    from photoseek.bundle.graph_cache import GRAPH, WEIGHTS, CachedGraph

    cached, options = CachedGraph(content), _options(threads, mode)
    if (optimized := cached.find()) is not None:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            return _build(optimized, options)
        except Exception as error:
            _check_memory(error)
            cached.discard()

    def save(folder: Path) -> ort.InferenceSession:
        options = _options(threads, mode)
        options.optimized_model_filepath = str(folder / GRAPH)
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", WEIGHTS)
        options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "128")
        return _build(path, options)

    try:
        return cached.write(save)
    except Exception as error:  # a folder that cannot be written, a full disk, a damaged graph
        _check_memory(error)
        return None


def _build(path: Path, options: ort.SessionOptions) -> ort.InferenceSession:
    return ort.InferenceSession(str(path.absolute()), options, providers=["CPUExecutionProvider"])


def _options(threads: int | None, mode: Mode) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or (available_cores() if mode == "latency" else 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    # The arena for activations stays enabled in both modes: without it no run is faster, and long ones are slower.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if mode == "latency" else "0")
    # On busy cores, onnxruntime's default costs a fifth more processor time, and is not faster.
    options.add_session_config_entry("session.intra_op.spin_duration_us", "30")
    options.add_session_config_entry("session.force_spinning_stop", "1")  # between queries all cores are idle
    # Without VNNI, int8 products are added in 16 bits, where large sums saturate, unless this is set. Graphs of other
    # programs need it; the weights of photoseek's int8 graphs have 7 bits.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def _batch(rows: npt.NDArray[Any], start: int, size: int) -> npt.NDArray[Any]:
    """Return ``size`` rows from ``start``; if there are fewer, the last is repeated."""
    return rows[np.minimum(np.arange(start, start + size), len(rows) - 1)]


def _replace_lock() -> None:
    global _open_lock
    _open_lock = threading.Lock()


os.register_at_fork(after_in_child=_replace_lock)  # a thread of the parent may have acquired it


def _check_memory(error: Exception) -> None:
    """Raise MemoryError if memory ran out; onnxruntime has no class of error for it."""
    if re.search(r"allocate memory|bad_alloc", str(error)):
        raise MemoryError(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
