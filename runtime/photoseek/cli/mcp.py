"""``photoseek mcp``, a server for assistants."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from photoseek.cli.option_groups import option_groups
from photoseek.cli.options import GalleryOption, ModelOptions, TrustOption, trusting
from photoseek.errors import MissingExtra
from photoseek.gallery.gallery import Gallery


@option_groups
def mcp(
    gallery: GalleryOption,
    model: ModelOptions,
    write_albums: Annotated[bool, typer.Option("--write-albums", help="Let it add photos to albums.")] = False,
    trust: TrustOption = False,
) -> None:
    """Let an assistant search a gallery: a server of the Model Context Protocol on standard input and output.

    Its tools search photos, show or describe one, and list folders and albums. Without --write-albums, they only read.

    Example: `photoseek mcp --gallery ~/Photos`, as the command of a server in the assistant's settings
    """
    if find_spec("mcp") is None:
        raise MissingExtra("photoseek mcp needs the package mcp; install it with: pip install 'photoseek[mcp]'")
    from photoseek.mcp_server.server import make_server
    from photoseek.search.searcher import Searcher

    with Gallery.open(gallery, trust=trusting(trust)) as opened:
        bundle = None if model.bundle is None else opened.bundles.load(model.bundle)
        searcher = Searcher(opened, bundle=bundle, precision=model.precision, engine=model.engine)
        make_server(searcher, write_albums=write_albums).run("stdio")
