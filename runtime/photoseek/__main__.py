"""``python -m photoseek`` and ``photoseek``: the command line."""

import os
import sys
from contextlib import suppress

from photoseek.cli import output
from photoseek.cli.app import main


def run() -> None:
    """Run the command line.

    A search ends without freeing its model, which would take a tenth of its time: it has closed all files.
    """
    try:
        main()
    except SystemExit as stop:
        if sys.argv[1:2] == ["search"] and isinstance(stop.code, int):
            with suppress(OSError, AttributeError):  # a closed stream, or none
                output.flush()
            os._exit(stop.code)
        raise


if __name__ == "__main__":
    run()
