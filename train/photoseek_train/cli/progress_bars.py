"""Progress output of the command line: a bar for each task, a line for each epoch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from photoseek.cli.output import BarUpdate, print_line, progress_bar
from photoseek_train.progress import ProgressCallback, format_duration

if TYPE_CHECKING:
    from photoseek_train.training.trainer import EpochCallback, EpochRecord

_UNITS = {
    "epoch": "steps",
    "text_embeddings": "captions",
    "aug_text_embeddings": "captions",
    "captions": "captions",
    "keywords": "captions",
    "shards": "bytes",
    "rows": "rows",
}
_RUN_PERIOD = 600.0  # seconds: longer than the evaluation between two epochs, which belongs to the time of a run


@contextmanager
def progress_bars() -> Iterator[ProgressCallback]:
    """Yield a progress callback that shows a bar on standard error for each task in turn.

    All epochs share one bar, so that its remaining time is that of the run.
    """
    with ExitStack() as stack:
        current = ""
        update: BarUpdate | None = None

        def progress(task: str, done: int, total: int) -> None:
            nonlocal current, update
            kind = task.split()[0]
            name = kind if kind == "epoch" else task
            if name != current:
                stack.close()
                period = _RUN_PERIOD if kind == "epoch" else None
                update = stack.enter_context(progress_bar(task, _UNITS.get(kind, "photos"), period))
                current = name
            if update is not None:
                update(done, total, task)

        yield progress


def print_epochs(epochs: int) -> EpochCallback:
    """Return a callback that prints a line on standard error after each epoch, with the time that is left."""

    def print_epoch(record: EpochRecord) -> None:
        found = record.dev.text_to_image
        recalls = "/".join(f"{value:.1f}" for value in (found.r1, found.r5, found.r10))
        left = epochs - record.epoch
        time = f"{record.seconds:.1f} s" + (f", about {format_duration(left * record.seconds)} left" if left else "")
        print_line(
            f"epoch {record.epoch}/{epochs}: loss {record.loss:.3f}, dev text to image R@1/5/10 {recalls} "
            f"of {record.dev.images} images, rsum {record.dev.rsum:.1f}, {time}",
            error=True,
        )

    return print_epoch
