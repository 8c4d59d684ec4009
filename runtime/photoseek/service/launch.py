"""Runs the service: uvicorn in this process, until it is asked to end."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from photoseek.errors import MissingExtra, QueryError
from photoseek.gallery.gallery import Gallery
from photoseek.gallery.trust import Answer
from photoseek.search.rank_fusion import DEPTH, Fusion
from photoseek.service.limits import Limits
from photoseek.service.open_files import raise_open_files, within_open_files
from photoseek.system.access_token import read_token
from photoseek.system.network import allowed_hosts, check_port_free, is_loopback
from photoseek.vector_index.registry import Engine

if TYPE_CHECKING:
    from fastapi import FastAPI

    from photoseek.service.metrics import Metrics
    from photoseek.stores.base import StoreChoice

_log = logging.getLogger(__name__)


_NEEDED = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")


def run_service(
    gallery: Path,
    *,
    bundle: str | None = None,
    rerank: str | None = None,
    depth: int = DEPTH,
    fusion: Fusion | None = None,
    precision: str | None = None,
    engine: Engine = "auto",
    store: StoreChoice | None = None,
    address: str = "127.0.0.1",
    port: int = 8000,
    token_file: Path | None = None,
    limits: Limits | None = None,
    trusted_proxies: Sequence[str] = (),
    trust: Answer = False,
) -> int:
    """Serve a gallery until SIGTERM or SIGINT; requests in flight are answered first.

    Args:
        gallery: What is searched.
        bundle: Which of the gallery's bundles answers, by name or folder. None: its own.
        rerank: A second bundle, by name or folder, that reranks the top hits, or None.
        depth: As for ``photoseek.Reranker``, as is ``fusion``; of requests that name none.
        fusion: As ``depth``.
        precision: As for ``photoseek.Searcher``, as is ``engine``.
        engine: As ``precision``.
        store: What finds neighbours in place of the engine. None: the engine does.
        address: Where the server listens. Beyond loopback, a token keeps strangers out.
        port: As for ``address``.
        token_file: Whose content callers have to show. None: what ``PHOTOSEEK_TOKEN`` says, if anything.
        limits: What the server accepts. None: the defaults. Fewer connections where the limit on open files is low.
        trusted_proxies: Addresses and networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are used.
        trust: As for ``Gallery.open``.

    Returns:
        The exit code.

    Raises:
        MissingExtra: FastAPI or what it needs is not installed.
        QueryError: The token is too short, or a trusted proxy is not an address.
        PhotoseekError: The gallery or its bundle cannot be opened, or nothing can listen there.
    """
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise MissingExtra(
            f"the service needs {', '.join(missing)}; install what is missing with: pip install 'photoseek[serve]'"
        )
    from photoseek.search.reranker import Reranker
    from photoseek.search.searcher import Searcher
    from photoseek.service.app import make_app
    from photoseek.service.metrics import Metrics

    token = read_token(token_file)
    trusted_proxies = [as_network(proxy) for proxy in trusted_proxies]
    limits = within_open_files(limits or Limits(), raise_open_files())
    check_port_free(address, port)
    _warn(address, port, token)
    with Gallery.open(gallery, trust=trust) as opened:
        model = None if bundle is None else opened.bundles.load(bundle)
        chosen = {} if store is None else vars(store)
        searcher = Searcher(opened, bundle=model, precision=precision, engine=engine, mode="service", **chosen)
        reranker = None
        if rerank is not None:
            second = opened.bundles.load(rerank)
            precision = precision if precision in second.precisions else None
            reranker = Reranker(searcher, second, depth=depth, fusion=fusion, precision=precision, mode="service")
        metrics = Metrics()
        hosts = allowed_hosts(address)
        app = make_app(searcher, reranker=reranker, token=token, hosts=hosts, limits=limits, metrics=metrics)
        return _serve(app, address, port, limits, metrics, trusted_proxies)


def as_network(address: str) -> str:
    """Return the network that an address, or a network such as ``10.0.0.0/8``, stands for.

    Raises:
        QueryError: It is neither.
    """
    try:
        return str(ip_network(address.strip()))
    except ValueError as error:
        raise QueryError(
            f"--proxy-headers: expected addresses or networks of proxies, such as 127.0.0.1 or 10.0.0.0/8, "
            f"separated by commas, found {address!r} ({error})"
        ) from error


def _warn(address: str, port: int, token: str | None) -> None:
    if is_loopback(address):
        return
    if token is None:
        _log.warning(
            "no token is asked for: whoever reaches %s port %d can search and see the photos; see --token-file",
            address,
            port,
        )
    else:
        _log.warning("the token and the photos pass the network unencrypted; put a server with TLS before this one")


def _serve(
    app: FastAPI, address: str, port: int, limits: Limits, metrics: Metrics, trusted_proxies: Sequence[str]
) -> int:
    from photoseek.service.server import make_server, run_until_asked_to_end

    server = make_server(app, limits, metrics, address=address, port=port, trusted_proxies=trusted_proxies)
    return run_until_asked_to_end(server)
