"""onnxruntime sessions: made in one place, quiet, and with errors that name the file."""

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
"""``latency``: one caller, whose run takes every core, and whose threads spin for an instant while they wait for each
other. ``service``: many callers, each with a core to itself, so that they don't wait for each other's threads."""

_TYPES: dict[str, npt.DTypeLike] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
"""What inputs may be declared as, by onnxruntime's names."""

_open_lock = threading.Lock()  # onnxruntime doesn't promise that sessions may be built at the same time


class OnnxSession(ForkAware):
    """One ONNX graph, ready to run; may be shared between threads. In a forked child it is read from its file again."""

    def __init__(
        self,
        path: Path,
        threads: int | None = None,
        mode: Mode = "latency",
        *,
        inputs: Mapping[str, str] | None = None,
        output: str | None = None,
    ) -> None:
        """Open a graph on the CPU.

        Args:
            path: The ``.onnx`` file.
            threads: Threads of one run. None: as the mode has it.
            mode: Whom it serves.
            inputs: Which of our inputs those take that the graph calls otherwise.
            output: The name of the one that is wanted. None: the first.

        Raises:
            BundleDamaged: onnxruntime cannot read the file.
            BundleIncompatible: It has no such output, or wants numbers of a type that is not fed here.
            QueryError: No such mode.
        """
        if mode not in get_args(Mode):
            raise QueryError(f"expected a mode among {', '.join(get_args(Mode))}, found {mode!r}")
        self.path = path
        self._threads = threads
        self._mode: Mode = mode
        self._lock = threading.Lock()
        self._session: ort.InferenceSession | None = None
        declared, outputs = self._session_options()
        self.inputs = tuple(declared)
        self.output = output or next(iter(outputs), "")
        if self.output not in outputs:
            what = f"an output {output!r}" if output else "an output"
            raise BundleIncompatible(f"{path}: expected {what}, found {', '.join(outputs) or 'none'}")
        self._takes = {name: (inputs or {}).get(name, name) for name in declared}
        self._types = {name: self._type(name, kind) for name, (kind, _) in declared.items()}
        self._batch = next((shape[0] for _, shape in declared.values() if shape and type(shape[0]) is int), None)
        self.register_fork_hooks()

    def after_fork_in_child(self) -> None:
        """Never touch the inherited session again: its threads are in the parent, and to free it is to crash."""
        self._lock = threading.Lock()
        leak_native_object(self._session)
        self._session = None

    def run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """The output, for the inputs that the graph declares, in the type that it declares; others are not fed.

        A graph for batches of one size alone is run as often as it takes.

        Raises:
            BundleIncompatible: The graph wants an input that is not among ``feeds``, or cannot run on them.
        """
        missing = [name for name in self.inputs if self._takes[name] not in feeds]
        if missing:
            raise BundleIncompatible(
                f"{self.path}: wants the input {missing[0]!r}, which is not known; known are {', '.join(feeds)}"
            )
        taken = {name: feeds[self._takes[name]].astype(self._types[name], copy=False) for name in self.inputs}
        rows = len(next(iter(taken.values()), ()))
        if self._batch is None or rows in (0, self._batch):
            return self._run(taken)
        starts = range(0, rows, self._batch)
        runs = [
            self._run({name: _zero_inputs(value[i:], self._batch) for name, value in taken.items()}) for i in starts
        ]
        return np.concatenate(runs)[:rows]

    def _run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        session = self._open()
        try:
            found = session.run([self.output], dict(feeds))[0]
        except Exception as error:
            _check_memory(error)
            raise BundleIncompatible(f"{self.path}: cannot run: {_first_line(error)}") from error
        return np.asarray(found, dtype=np.float32)

    def _session_options(self) -> tuple[dict[str, tuple[str, list[Any]]], list[str]]:
        """Type and shape of each input, by name, and the names of the outputs."""
        session = self._open()
        try:
            inputs = {node.name: (node.type, node.shape) for node in session.get_inputs()}
            return inputs, [node.name for node in session.get_outputs()]
        except Exception as error:  # a name that is no text
            raise BundleDamaged(f"{self.path}: onnxruntime cannot read it: {_first_line(error)}") from error

    def _type(self, name: str, declared: str) -> npt.DTypeLike:
        found = _TYPES.get(declared)
        if found is None:
            raise BundleIncompatible(
                f"{self.path}: wants {name!r} as {declared}, which is not fed; fed are {', '.join(_TYPES)}"
            )
        return found

    def _open(self) -> ort.InferenceSession:
        """The session of this process."""
        if (session := self._session) is not None:
            return session
        with self._lock:
            if self._session is None:
                self._session = _session(self.path, self._threads, self._mode)
            return self._session


def _session(path: Path, threads: int | None, mode: Mode) -> ort.InferenceSession:
    try:
        with _open_lock:
            return ort.InferenceSession(
                str(path.absolute()), _options(threads, mode), providers=["CPUExecutionProvider"]
            )
    except Exception as error:  # onnxruntime raises a class of its own for each way a file can be wrong
        _check_memory(error)
        raise BundleDamaged(f"{path}: onnxruntime cannot read it: {_first_line(error)}") from error


def _zero_inputs(rows: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """The first ``size`` rows; where there are fewer, the last is repeated."""
    return rows[np.minimum(np.arange(size), len(rows) - 1)]


def _reopen() -> None:
    global _open_lock
    _open_lock = threading.Lock()


os.register_at_fork(after_in_child=_reopen)  # a thread of the parent may have held it


def _options(threads: int | None, mode: Mode) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or (available_cores() if mode == "latency" else 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    # The arena for activations stays on in both modes: without it a run is no faster, and a long one slower.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if mode == "latency" else "0")
    options.add_session_config_entry("session.force_spinning_stop", "1")  # between queries no core is kept busy
    # Without VNNI, products of int8 are added in 16 bits, where large sums are cut off, unless this is set.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def _check_memory(error: Exception) -> None:
    """Where memory ran out, say that, and not that a file is wrong; onnxruntime has no class of error for it."""
    if re.search(r"allocate memory|bad_alloc", str(error)):
        raise MemoryError(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
