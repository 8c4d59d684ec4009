"""The limit on open files, which limits the number of connections."""

from __future__ import annotations

import logging
from dataclasses import replace

from photoseek.service.limits import Limits

_log = logging.getLogger(__name__)

_RESERVED = 128  # for the gallery, the bundle, the libraries and their pipes
_PER_CONNECTION = 2  # its socket, and the photo or the upload that passes through it
_ENOUGH = 65_536  # used if the hard limit is "unlimited", which some systems do not accept as a soft limit


def raise_open_files() -> int | None:
    """Raise the soft limit on open files to the hard limit, and return it, or None if the system has no limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    aim = _ENOUGH if hard == unlimited else hard
    if soft != unlimited and soft < aim:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (aim, hard))
        except (OSError, ValueError) as error:
            _log.warning("cannot raise the limit on open files from %d to %d: %s", soft, aim, error)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == unlimited else int(soft)


def within_open_files(limits: Limits, files: int | None) -> Limits:
    """Return the limits with no more connections than ``files`` open files allow."""
    if files is None:
        return limits
    most = max(1, (files - _RESERVED) // _PER_CONNECTION)
    if limits.connections <= most:
        return limits
    _log.warning(
        "%d open files allow %d connections, not %d; raise the hard limit (ulimit -Hn, LimitNOFILE= of systemd) to %d",
        files,
        most,
        limits.connections,
        _PER_CONNECTION * limits.connections + _RESERVED,
    )
    return replace(limits, connections=most)
