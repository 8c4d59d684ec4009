"""Run the service: uvicorn in this process."""

from __future__ import annotations

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
from photoseek.service.public_address import PublicAddress
from photoseek.system.access_token import read_token
from photoseek.system.network import allowed_hosts, check_port_free, warn_of_exposure
from photoseek.vector_index.registry import Engine

if TYPE_CHECKING:
    from photoseek.search.reranker import Reranker
    from photoseek.search.searcher import Searcher
    from photoseek.stores.base import StoreChoice

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
    index_token_file: Path | None = None,
    hosts: Sequence[str] = (),
    origins: Sequence[str] = (),
    root_path: str = "",
    limits: Limits | None = None,
    trusted_proxies: Sequence[str] = (),
    trust: Answer = False,
) -> int:
    """Serve a gallery until SIGTERM or SIGINT, finish the requests in flight, and return the exit code.

    Args:
        gallery: Gallery, or the photo folder that contains it.
        bundle: Name or folder of the bundle to search with. None: the gallery's primary bundle.
        rerank: Name or folder of a second bundle that reranks the top hits, or None.
        depth: Number of hits to rerank, unless a request sets it.
        fusion: How both rankings are combined. None: the default.
        precision: Precision of the towers, as for ``photoseek.Searcher``.
        engine: Engine that finds neighbors.
        store: Store that finds neighbors instead of the engine, or None.
        address: Address to listen on. Use a token on any address except loopback.
        port: Port to listen on.
        token_file: File with the token that clients must send. None: ``PHOTOSEEK_TOKEN``, or no token.
        index_token_file: File with the token of clients that may also index the gallery. None: nobody may.
        hosts: Names that requests may use for the server, beside those of ``address``.
        origins: Origins whose web pages may use the service.
        root_path: Prefix under which a proxy serves it; the proxy removes it from the path.
        limits: Limits of the service. A low limit on open files reduces the number of connections.
        trusted_proxies: Addresses and networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are used.
        trust: As for ``Gallery.open``.

    Raises:
        MissingExtra: FastAPI or a library that it needs is not installed.
        QueryError: The token is too short, a trusted proxy is not an address, or an origin or the prefix is invalid.
        PhotoseekError: The gallery or its bundle cannot be opened, or the server cannot listen on the address or port.
    """
    _check_installed()
    token = read_token(token_file)
    index_token = None if index_token_file is None else read_token(index_token_file)
    proxies = [as_network(proxy) for proxy in trusted_proxies]
    public = PublicAddress.of([*allowed_hosts(address), *hosts], origins, root_path)
    limits = within_open_files(limits or Limits(), raise_open_files())
    check_port_free(address, port)
    warn_of_exposure(address, port, token=token is not None)
    with Gallery.open(gallery, trust=trust) as opened:
        searcher = _searcher(opened, bundle, precision, engine, store)
        reranker = None if rerank is None else _reranker(searcher, rerank, depth, fusion, precision)
        return _serve(searcher, reranker, (token, index_token), limits, public, (address, port), proxies)


def as_network(address: str) -> str:
    """Return the network of an address, or of a network such as ``10.0.0.0/8``.

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


def _check_installed() -> None:
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise MissingExtra(f"the service needs {', '.join(missing)}; install it with: pip install 'photoseek[serve]'")


def _searcher(
    gallery: Gallery, bundle: str | None, precision: str | None, engine: Engine, store: StoreChoice | None
) -> Searcher:
    from photoseek.search.searcher import Searcher

    model = None if bundle is None else gallery.bundles.load(bundle)
    options = {} if store is None else vars(store)
    return Searcher(gallery, bundle=model, precision=precision, engine=engine, mode="service", **options)


def _reranker(searcher: Searcher, bundle: str, depth: int, fusion: Fusion | None, precision: str | None) -> Reranker:
    from photoseek.search.reranker import Reranker

    model = searcher.gallery.bundles.load(bundle)
    precision = precision if precision in model.precisions else None
    return Reranker(searcher, model, depth=depth, fusion=fusion, precision=precision, mode="service")


def _serve(
    searcher: Searcher,
    reranker: Reranker | None,
    tokens: tuple[str | None, str | None],
    limits: Limits,
    public: PublicAddress,
    address: tuple[str, int],
    proxies: Sequence[str],
) -> int:
    from photoseek.service import server
    from photoseek.service.app import make_app
    from photoseek.service.metrics import Metrics

    host, port = address
    metrics = Metrics()
    app = make_app(
        searcher,
        reranker=reranker,
        token=tokens[0],
        index_token=tokens[1],
        hosts=public.hosts,
        origins=public.origins,
        limits=limits,
        metrics=metrics,
    )
    return server.run_server(
        server.make_server(
            app, limits, metrics, address=host, port=port, root_path=public.root_path, trusted_proxies=proxies
        )
    )
