"""``photoseek demo`` and ``photoseek app``, which start the search page."""

from __future__ import annotations

import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from photoseek.bundle.bundle import DEMO, Bundle
from photoseek.cli import index, output, search
from photoseek.cli.options import AddressOption, CountOption, JsonOption, TrustOption, complete_gallery, trusting
from photoseek.errors import GalleryNotFound
from photoseek.gallery.gallery import Gallery

_EXAMPLE = "a red car next to a tree at night"
_NO_PAGE = (
    f"the search page needs Streamlit, so these are the hits of {_EXAMPLE!r}; for the page: "
    "pip install 'photoseek[app]', or uvx --from 'photoseek[app]' photoseek demo"
)

_PortOption = Annotated[int, typer.Option(help="Port of the page.")]
_BrowserOption = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")]


def demo(
    folder: Annotated[Path | None, typer.Argument(help="Folder of photos. Defaults to 300 drawn scenes.")] = None,
    query: Annotated[str | None, typer.Option(help="Print the hits of this query and do not open the page.")] = None,
    k: CountOption = 5,
    as_json: JsonOption = False,
    port: _PortOption = 8501,
    browser: _BrowserOption = True,
) -> None:
    """Search 300 drawn scenes, or a photo folder, with the embedded demo bundle.

    Without the extra app, which has the page, an example query searches the scenes.

    Examples:

    - Open the page on the drawn scenes: `photoseek demo`
    - Print the hits of a query: `photoseek demo --query "a red car next to a tree at night"`
    - Open the page on your photos: `photoseek demo ~/Photos`
    """
    from photoseek.demo.gallery import demo_photos
    from photoseek.search.searcher import Searcher

    bundle = Bundle.load(DEMO)
    drawn = folder is None  # another version of photoseek may have indexed the scenes with another bundle
    if drawn and query is None and find_spec("streamlit") is None:
        query = _EXAMPLE
        output.print_line(_NO_PAGE, error=True)
    gallery = Gallery.open_or_create(folder or demo_photos(), bundle, rebuild=drawn)
    index.index_with_progress(gallery, bundle, print_report=not as_json)
    if folder is not None and not as_json:
        _print_larger_model(gallery, folder)
    if query is not None:
        search.run_query(partial(Searcher(gallery).search, k=k), query, search.OutputOptions(as_json))
    else:
        _run_page(gallery.path, "127.0.0.1", port, browser)


def _print_larger_model(gallery: Gallery, folder: Path) -> None:
    """Print how to get a model that finds more, unless the gallery has one."""
    if len(list(gallery.bundles)) > 1:
        return
    from photoseek.models.recommendation import recommended_model

    model = recommended_model("en")
    commands = ([] if model.is_installed else [model.pull_command]) + [
        f"photoseek index {quote(str(folder))} --bundle {model.name} --add-bundle"
    ]
    output.print_line(f"this is the small built-in model; for more hits: {' && '.join(commands)}", error=True)


def page(
    gallery: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Gallery to open first.",
            envvar="PHOTOSEEK_GALLERY",
            autocompletion=complete_gallery,
        ),
    ] = None,
    address: AddressOption = "127.0.0.1",
    port: _PortOption = 8501,
    browser: _BrowserOption = True,
    no_token: Annotated[bool, typer.Option("--no-token", help="Serve the page without an access token.")] = False,
    trust: TrustOption = False,
) -> None:
    """Start the search page and print its address, which includes the access token.

    Examples:

    - Open your photos: `photoseek app --gallery ~/Photos`
    - Search them from a phone in the same network: `photoseek app --gallery ~/Photos --address 0.0.0.0`
    - Open no browser, and use another port: `photoseek app --gallery ~/Photos --no-browser --port 8600`
    """
    if gallery is not None:
        try:
            with Gallery.open(gallery, trust=trusting(trust)) as opened:
                opened.expect_trust()
        except GalleryNotFound as error:
            output.print_line(f"photoseek: {error}", error=True)  # the page itself shows how to index
    _run_page(gallery, address, port, browser, token=not no_token)


def _run_page(gallery: Path | None, address: str, port: int, browser: bool, *, token: bool = True) -> None:
    from photoseek.page.launch import run_page

    sys.exit(run_page(gallery, address=address, port=port, open_browser=browser, token=token))
