"""``photoseek serve``, which starts the HTTP search service."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from photoseek.cli.option_groups import option_groups
from photoseek.cli.options import AddressOption, GalleryOption, ModelOptions, TrustOption, trusting
from photoseek.cli.rerank import RerankOptions
from photoseek.cli.store import StoreOptions
from photoseek.service.limits import Limits


@dataclass(frozen=True)
class ServerOptions:
    """Where the service listens, and for whom."""

    address: AddressOption = "127.0.0.1"
    port: Annotated[int, typer.Option(help="Port of the service.")] = 8000
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File with the access token. Defaults to PHOTOSEEK_TOKEN, or no token."),
    ] = None
    index_token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File with the token of clients that may also index the gallery. By default, nobody may.",
        ),
    ] = None
    proxy_headers: Annotated[
        str,
        typer.Option(
            metavar="ADDRESSES",
            help="Trust X-Forwarded-For and X-Forwarded-Proto from these proxies: addresses or networks, separated by "
            "commas. By default, these headers are ignored.",
        ),
    ] = ""
    cors: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Let web pages of this origin use the service; repeatable."),
    ] = None
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Also accept requests for this host name; repeatable."),
    ] = None
    root_path: Annotated[
        str, typer.Option(metavar="PREFIX", help="Path under which a proxy serves this, and which it removes.")
    ] = ""
    max_upload: Annotated[
        int, typer.Option(min=1, max=200, metavar="MB", help="Maximum size of an uploaded photo, in megabytes.")
    ] = Limits.upload_bytes // 1_000_000
    max_connections: Annotated[
        int, typer.Option(min=1, help="Maximum open connections; idle and incomplete ones are closed for new ones.")
    ] = Limits.connections
    client_timeout: Annotated[
        float,
        typer.Option(
            min=0.1,
            metavar="SECONDS",
            help="Timeout in seconds for a client to send the request headers, send more of the body, "
            "or read more of the response.",
        ),
    ] = Limits.wait_seconds


@option_groups
def serve(
    gallery: GalleryOption,
    model: ModelOptions,
    reranking: RerankOptions,
    storage: StoreOptions,
    server: ServerOptions,
    trust: TrustOption = False,
) -> None:
    """Start the HTTP search service.

    Example: `photoseek serve --gallery ~/Photos`, then `curl localhost:8000/v1/search --json '{"text": "two dogs"}'`
    """
    from photoseek.service.launch import run_service

    sys.exit(
        run_service(
            gallery,
            **vars(model),
            rerank=reranking.rerank,
            depth=reranking.depth,
            fusion=reranking.fusion,
            store=storage.choice,
            address=server.address,
            port=server.port,
            token_file=server.token_file,
            index_token_file=server.index_token_file,
            hosts=server.allowed_host or (),
            origins=server.cors or (),
            root_path=server.root_path,
            limits=Limits(
                connections=server.max_connections,
                wait_seconds=server.client_timeout,
                upload_bytes=1_000_000 * server.max_upload,
            ),
            trusted_proxies=[address for address in server.proxy_headers.split(",") if address.strip()],
            trust=trusting(trust),
        )
    )
