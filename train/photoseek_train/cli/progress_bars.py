"""Progress output of the command line: a bar for each task, a line for each epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from photoseek.cli.output import print_line, progress_bar
from photoseek_train.progress import ProgressCallback

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


@contextmanager
def progress_bars() -> Iterator[ProgressCallback]:
    """Yield a progress callback that shows a bar on standard error for each task in turn."""
    with ExitStack() as stack:
        current = ""
        update: Callable[[int, int], None] | None = None

        def progress(task: str, done: int, total: int) -> None:
            nonlocal current, update
            if task != current:
                stack.close()
                update = stack.enter_context(progress_bar(task, _UNITS.get(task.split()[0], "photos")))
                current = task
            if update is not None:
                update(done, total)

        yield progress


def print_epochs(epochs: int) -> EpochCallback:
    """Return a callback that prints a line on standard error after each epoch."""

    def print_epoch(record: EpochRecord) -> None:
        found = record.dev.text_to_image
        recalls = "/".join(f"{value:.1f}" for value in (found.r1, found.r5, found.r10))
        print_line(
            f"epoch {record.epoch}/{epochs}: loss {record.loss:.3f}, dev text to image R@1/5/10 {recalls} "
            f"of {record.dev.images} images, rsum {record.dev.rsum:.1f}, {record.seconds:.1f} s",
            error=True,
        )

    return print_epoch
