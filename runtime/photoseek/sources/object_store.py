"""Object storage through fsspec: the supported protocols, and their errors as errors of this library.

Credentials and endpoints come from the environment, as for the tools of each storage (``AWS_ACCESS_KEY_ID``,
``AWS_PROFILE``, ``AWS_ENDPOINT_URL``, ``GOOGLE_APPLICATION_CREDENTIALS``, ...); none is read, stored or printed here.
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
    """A protocol.

    Attributes:
        package: The fsspec package that implements it.
        extra: The extra that installs the package.
        options: Options of the package, in addition to the environment.
        environment: Defaults of environment variables that the package reads when it is imported.
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
        environment={"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"},  # it requests a bucket's type from another service
    ),
}
"""The supported schemes of addresses."""


def filesystem(scheme: str) -> Any:
    """Return the client of a protocol; fsspec caches one for each process, forked ones included.

    Raises:
        MissingExtra: Its package is not installed.
    """
    backend = SCHEMES[scheme]
    if find_spec(backend.package) is None:
        install = f"pip install 'photoseek[{backend.extra}]'"
        raise MissingExtra(f"photos in {scheme}:// require {backend.package}; install it with: {install}")
    for name, value in backend.environment.items():
        os.environ.setdefault(name, value)
    import fsspec

    logging.getLogger(backend.package).setLevel(logging.CRITICAL)  # the last failed attempt raises an error
    return fsspec.filesystem(scheme, use_listings_cache=False, **backend.options)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise the errors of a storage as those of one photo.

    Raises:
        PhotoError: There is no such object.
        PhotoUnreachable: Anything else went wrong; nothing is known about the photo.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise PhotoError("no such object") from error
    except (PhotoError, MissingExtra, MemoryError):
        raise
    except Exception as error:  # each client has its own errors, not all of them an OSError
        raise PhotoUnreachable(describe_error(error)) from error


def describe_error(error: Exception) -> str:
    """Return the message of an error in one line."""
    text = " ".join(str(getattr(error, "strerror", None) or error).split())[:300]
    return text or type(error).__name__
