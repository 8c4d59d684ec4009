"""Object storage through fsspec: which kinds there are, and their errors in the words of this library.

Credentials and endpoints come from where the tools of each storage take them (``AWS_ACCESS_KEY_ID``, ``AWS_PROFILE``,
``AWS_ENDPOINT_URL``, ``GOOGLE_APPLICATION_CREDENTIALS``, ...); none is ever read, kept or printed here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from photoseek.errors import MissingExtra, PhotoError, PhotoUnreachable

_CONNECT_S, _READ_S = 5, 15
_ATTEMPTS = 2  # of one request, each of which s3fs makes up to five times


@dataclass(frozen=True)
class _Backend:
    """A kind of storage.

    Attributes:
        package: Of fsspec's family, that speaks its protocol.
        extra: That brings the package.
        options: Of the package, beside what it takes from the environment.
        environment: That the package finds when it is imported, unless the user has set it otherwise.
    """

    package: str
    extra: str
    options: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


SCHEMES: Mapping[str, _Backend] = {
    "s3": _Backend(
        "s3fs",
        "s3",
        {
            "config_kwargs": {
                "connect_timeout": _CONNECT_S,
                "read_timeout": _READ_S,
                "retries": {"max_attempts": _ATTEMPTS, "mode": "standard"},
            }
        },
    ),
    "gs": _Backend(
        "gcsfs",
        "gcs",
        environment={"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"},  # asks another service for a bucket's kind first
    ),
}
"""What an address may begin with."""


def filesystem(scheme: str) -> Any:
    """The client of a kind of storage, made once in each process (fsspec keeps it), and in a forked child anew.

    Raises:
        MissingExtra: Its package is not installed.
    """
    kind = SCHEMES[scheme]
    if find_spec(kind.package) is None:
        install = f"pip install 'photoseek[{kind.extra}]'"
        raise MissingExtra(f"photos in {scheme}:// need {kind.package}; install it with: {install}")
    for name, value in kind.environment.items():
        os.environ.setdefault(name, value)
    import fsspec

    logging.getLogger(kind.package).setLevel(logging.CRITICAL)  # of the tries that fail, the last is raised
    return fsspec.filesystem(scheme, use_listings_cache=False, **kind.options)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Errors of a storage as those of one photo: gone, or not to be told now, which says nothing of the photo.

    Raises:
        PhotoUnreachable: Whatever went wrong, unless it is known that there is no such object.
        PhotoError: There is no such object.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise PhotoError("no such object") from error
    except (PhotoError, MissingExtra, MemoryError):
        raise
    except Exception as error:  # each client has errors of its own, and some that are no OSError
        raise PhotoUnreachable(describe_error(error)) from error


def describe_error(error: Exception) -> str:
    """What went wrong, in a line."""
    text = " ".join(str(getattr(error, "strerror", None) or error).split())[:300]
    return text or type(error).__name__
