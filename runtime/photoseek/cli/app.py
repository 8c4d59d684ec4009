"""``photoseek``: the command line. It only calls the library."""

from __future__ import annotations

import sys
import warnings
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from photoseek.bundle.bundle import DEMO, Bundle
from photoseek.cli import captions, evaluate, options
from photoseek.cli import index as console_index
from photoseek.cli import output as console
from photoseek.cli import rerank as console_rerank
from photoseek.cli import search as console_search
from photoseek.cli import store as console_store
from photoseek.cli.options import (
    BrowserOption,
    CountOption,
    EngineOption,
    ExactOption,
    GalleryBundleOption,
    GalleryOption,
    IndexedBundleOption,
    JsonOption,
    PortOption,
    PrecisionOption,
    TrustOption,
    complete_gallery,
    trusting,
)
from photoseek.errors import EvaluationError, GalleryNotFound, GalleryUntrusted, QueryError
from photoseek.gallery.filters import Filter
from photoseek.gallery.gallery import Gallery
from photoseek.search.rank_fusion import DEPTH, Fusion
from photoseek.service.limits import Limits
from photoseek.stores.base import StoreChoice
from photoseek.system.filenames import decode_filename

app = console.make_app("Find photos by what they show. Start with: `photoseek demo`")
app.add_typer(captions.app, name="captions")


def main() -> None:
    """The entry point."""
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # photos.MAX_PIXELS is the limit
    console.run(app, "photoseek", bad_use=(QueryError, EvaluationError))


@app.command()
def demo(
    folder: Annotated[Path | None, typer.Argument(help="Photos of your own; left out: 300 drawn scenes.")] = None,
    query: Annotated[str | None, typer.Option(help="Print the hits of this query instead of opening the page.")] = None,
    k: CountOption = 5,
    as_json: JsonOption = False,
    port: PortOption = 8501,
    browser: BrowserOption = True,
) -> None:
    """Search drawn scenes, or a folder, with the embedded model.

    Examples:

    - The page over 300 drawn scenes: `photoseek demo`
    - Hits, printed: `photoseek demo --query "a red car next to a tree at night"`
    - The page over a folder of yours: `photoseek demo ~/Photos`
    """
    from photoseek.demo.gallery import demo_photos

    bundle = Bundle.load(DEMO)
    drawn = folder is None  # an older photoseek may have indexed the demo with another bundle
    gallery = Gallery.open_or_create(folder or demo_photos(), bundle, rebuild=drawn)
    console_index.index_with_progress(gallery, bundle, quiet=as_json)
    if query is not None:
        ask = partial(console_search.open_searcher(gallery).search, k=k)
        console_search.run_query(ask, query, console_search.Output.chosen(as_json=as_json))
    else:
        _open_page(gallery.path, "127.0.0.1", port, browser)


@app.command()
def index(
    photos: Annotated[str, typer.Argument(help="Folder of photos, or s3://BUCKET/FOLDER, gs://BUCKET/FOLDER.")],
    bundle: GalleryBundleOption = None,
    gallery: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the gallery lies; left out: PHOTOS/.photoseek")
    ] = None,
    precision: PrecisionOption = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Go over to another bundle: encode all anew.")] = False,
    add_bundle: Annotated[
        bool,
        typer.Option("--add-bundle", help="Take another bundle in beside the gallery's own: each answers by itself."),
    ] = False,
    remove_bundle: Annotated[
        str | None, typer.Option(metavar="BUNDLE", help="Let a bundle go that was taken in, with all of its vectors.")
    ] = None,
    recall: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Of the true best that approximate search has to find. [0.99]")
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Forget vectors of photos that are gone.")] = False,
    relocate: Annotated[
        bool,
        typer.Option("--relocate", help="The photos of the gallery lie in PHOTOS now: keep what is known of them."),
    ] = False,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Read every photo, and encode those whose content changed.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and index again whenever photos change (extra: watch).")
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Encode on the machines of a Ray cluster: auto, local, HOST:PORT or ray://HOST:PORT (extra: ray).",
        ),
    ] = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a folder of photos searchable, or bring its gallery up to date.

    Only new and changed photos are encoded. Stop it when you like; the same command goes on from there.

    Examples:

    - With the embedded bundle: `photoseek index ~/Photos`
    - After a program changed photos and restored their timestamps: `photoseek index ~/Photos --rehash`
    - Over to another bundle: `photoseek index ~/Photos --bundle bundles/flickr30k --rebuild`
    - With another bundle as well: `photoseek index ~/Photos --bundle bundles/flickr30k --add-bundle`
    - A folder that stays as it is: `photoseek index /mnt/photos --gallery ~/galleries/photos`
    - The same, after the photos have moved: `photoseek index /mnt/disk2 --gallery ~/galleries/photos --relocate`
    - Kept current until Ctrl-C: `photoseek index ~/Photos --watch`
    - In object storage: `photoseek index s3://bucket/photos --gallery ~/galleries/photos`
    - By many machines: `photoseek index s3://bucket/photos --gallery ~/galleries/photos --ray auto`
    """
    console_index.require_one_of(
        {"--watch": watch, "--prune": prune, "--remove-bundle": remove_bundle is not None, "--ray": ray is not None}
    )
    console_index.require_one_of({"--watch": watch, "--rehash": rehash, "--remove-bundle": remove_bundle is not None})
    console_index.require_one_of(
        {"--add-bundle": add_bundle, "--rebuild": rebuild, "--remove-bundle": remove_bundle is not None}
    )
    if remove_bundle is not None:
        console_index.remove_bundle(Gallery.open(gallery or photos, recover=True), remove_bundle, as_json=as_json)
        return
    backend = None
    if ray is not None:
        from photoseek.ray_indexing import RayBackend

        backend = RayBackend(ray)
    answer = trusting(trust)
    model = console_index.bundle_of(photos, gallery, bundle, answer)
    opened = Gallery.open_or_create(
        photos, model, gallery, rebuild=rebuild, add_bundle=add_bundle, relocate=relocate, trust=answer
    )
    with suppress(GalleryUntrusted):  # of a further bundle, which the report names
        opened.expect_trust()  # asks now, and not below the progress bar
    if watch:
        console_index.watch_and_print(opened, model, precision, recall, as_json=as_json)
    report = console_index.index_with_progress(
        opened, model, precision, recall, backend=backend, rehash=rehash, quiet=as_json
    )
    pruned = opened.prune() if prune else 0
    if as_json:
        console.print_json(
            {**console_index.report_json(report), "pruned": pruned, "gallery": decode_filename(str(opened.path))}
        )
    elif prune:
        console.print_line(f"{pruned:,} vectors forgotten")


@app.command()
def search(
    gallery: GalleryOption,
    query: Annotated[
        list[str] | None,
        typer.Argument(help="What the photos should show; left out: a query on each line of standard input."),
    ] = None,
    image: Annotated[Path | None, typer.Option(metavar="FILE", help="A photo that they should be like.")] = None,
    similar_to: Annotated[
        str | None, typer.Option(metavar="PATH", help="A photo of the gallery that they should be like, in its folder.")
    ] = None,
    k: CountOption = 5,
    folder: options.FolderOption = None,
    taken_from: options.TakenFromOption = None,
    taken_to: options.TakenToOption = None,
    min_megapixels: options.MinMegapixelsOption = None,
    max_megapixels: options.MaxMegapixelsOption = None,
    orientation: options.OrientationOption = None,
    file_type: options.TypeOption = None,
    group_duplicates: Annotated[
        bool, typer.Option("--group-duplicates", help="Count photos that show nearly the same as one.")
    ] = False,
    bundle: IndexedBundleOption = None,
    rerank: console_rerank.RerankOption = None,
    depth: console_rerank.DepthOption = DEPTH,
    fuse: console_rerank.FuseOption = Fusion.rule,
    rerank_weight: console_rerank.WeightOption = Fusion.weight,
    precision: PrecisionOption = None,
    engine: EngineOption = "auto",
    exact: ExactOption = False,
    store: console_store.StoreOption = None,
    collection: console_store.CollectionOption = None,
    fallback: console_store.FallbackOption = False,
    language: Annotated[
        str | None, typer.Option(metavar="en|zh", help="Whose text tower reads it; left out: told by its script.")
    ] = None,
    trust: TrustOption = False,
    as_json: console_search.HitsJsonOption = False,
    paths: console_search.PathsOption = False,
    null: console_search.NullOption = False,
    pictures: console_search.PicturesOption = False,
    opened: console_search.OpenOption = False,
) -> None:
    """Find photos by text, by a photo, or by both.

    A query may have parts that are added, subtracted and weighted; a backslash makes a sign an ordinary character.

    Exit code 0: every query was answered. 1: something failed, or a line of standard input was no query. 2: bad use.

    Examples:

    - `photoseek search "two dogs on a beach" --gallery ~/Photos -k 10`
    - Parts: `photoseek search "dog + 2:beach - person" --gallery ~/Photos`
    - Of one summer: `photoseek search "a lake" --gallery ~/Photos --taken-from 2023-06 --taken-to 2023-08`
    - With a second look: `photoseek search "a lake" --gallery ~/Photos --rerank bundles/flickr30k`
    - Photos like this one, opened: `photoseek search --image holiday.jpg --gallery ~/Photos --open`
    - Copies of what is found: `photoseek search "at night" --gallery ~/Photos -0 | xargs -0 cp -t night`
    - Many queries, a JSON object a line: `photoseek search --gallery ~/Photos --json < queries.txt`
    - In a store: `photoseek search "a lake" --gallery ~/Photos --store postgresql://me@db/photos`
    """
    output = console_search.Output.chosen(as_json=as_json, paths=paths, null=null, pictures=pictures, opened=opened)
    lines = console_search.query_lines() if not query and image is None and similar_to is None else None
    if exact and store is not None:
        raise typer.BadParameter("expected --exact, or --store (or PHOTOSEEK_STORE), found both")
    searcher = console_search.open_searcher(
        Gallery.open(gallery, trust=trusting(trust)),
        bundle,
        precision,
        "exact" if exact else engine,
        StoreChoice(store, collection, fallback),
    )
    where = Filter(folder, taken_from, taken_to, min_megapixels, max_megapixels, orientation, file_type)
    searcher.text_encoder.require_text_tower(language)  # once, and not on each line
    asked = console_rerank.with_rerank(searcher, rerank, depth, Fusion(fuse, rerank_weight), precision)
    ask = partial(
        asked.search,
        photo=image,
        similar_to=similar_to,
        k=k,
        language=language,
        where=where,
        group_duplicates=group_duplicates,
    )
    if lines is None:
        console_search.run_query(ask, " ".join(query) if query else None, output)
    else:
        raise typer.Exit(console_search.run_batch(ask, lines, output))


app.command()(console_store.push)
for measuring in (evaluate.calibrate, evaluate.evaluate, evaluate.bench):
    app.command()(measuring)


@app.command("app")
def page(
    gallery: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The gallery that the page opens with.", autocompletion=complete_gallery),
    ] = None,
    address: Annotated[str, typer.Option(help="Where the page listens; others can reach it unless 127.0.0.1.")] = (
        "127.0.0.1"
    ),
    port: PortOption = 8501,
    browser: BrowserOption = True,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="Let everyone in who reaches the page, without its token.")
    ] = False,
    trust: TrustOption = False,
) -> None:
    """Open the search page, and print its address, with the token that it opens with.

    Example: `photoseek app --gallery ~/Photos`
    """
    if gallery is not None:
        with suppress(GalleryNotFound), Gallery.open(gallery, trust=trusting(trust)) as opened:
            opened.expect_trust()
    _open_page(gallery, address, port, browser, token=not no_token)


@app.command()
def serve(
    gallery: GalleryOption,
    bundle: IndexedBundleOption = None,
    rerank: console_rerank.RerankOption = None,
    depth: console_rerank.DepthOption = DEPTH,
    fuse: console_rerank.FuseOption = Fusion.rule,
    rerank_weight: console_rerank.WeightOption = Fusion.weight,
    precision: PrecisionOption = None,
    engine: EngineOption = "auto",
    store: console_store.StoreOption = None,
    collection: console_store.CollectionOption = None,
    fallback: console_store.FallbackOption = False,
    address: Annotated[str, typer.Option(help="Where the service listens; others can reach it unless 127.0.0.1.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="Port of the service.")] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Holds what callers have to show; left out: PHOTOSEEK_TOKEN, or nothing."),
    ] = None,
    proxy_headers: Annotated[
        str,
        typer.Option(
            metavar="ADDRESSES",
            help="Use X-Forwarded-For and X-Forwarded-Proto of requests from these proxies: addresses or networks, "
            "separated by commas. By default, no such header is used.",
        ),
    ] = "",
    max_connections: Annotated[
        int, typer.Option(min=1, help="Open connections, at most; idle and unfinished ones are closed for new ones.")
    ] = Limits.connections,
    client_timeout: Annotated[
        float,
        typer.Option(
            min=0.1,
            metavar="SECONDS",
            help="Longest wait for a client: for the head of a request, for more of its body, "
            "or until more of an answer is read.",
        ),
    ] = Limits.wait_seconds,
    trust: TrustOption = False,
) -> None:
    """Answer searches over HTTP, for many callers at once.

    Example: `photoseek serve --gallery ~/Photos`, then `curl localhost:8000/v1/search --json '{"text": "two dogs"}'`
    """
    from photoseek.service.launch import run_service

    sys.exit(
        run_service(
            gallery,
            bundle=bundle,
            rerank=rerank,
            depth=depth,
            fusion=Fusion(fuse, rerank_weight),
            precision=precision,
            engine=engine,
            store=StoreChoice(store, collection, fallback),
            address=address,
            port=port,
            token_file=token_file,
            limits=Limits(connections=max_connections, wait_seconds=client_timeout),
            trusted_proxies=[address for address in proxy_headers.split(",") if address.strip()],
            trust=trusting(trust),
        )
    )


@app.command()
def info(
    path: Annotated[str, typer.Argument(help="A bundle, a gallery, or: demo")] = DEMO, as_json: JsonOption = False
) -> None:
    """Tell what is in a bundle or a gallery.

    Examples: `photoseek info demo`, `photoseek info ~/Photos --json`
    """
    from photoseek.cli import info as console_info

    facts = console_info.describe_path(console_info.bundle_or_gallery(path))
    if as_json:
        console.print_json(facts)
    else:
        console_info.print_facts(facts)


@app.command()
def verify(
    path: Annotated[str, typer.Argument(help="A bundle, a gallery, or: demo")] = DEMO,
    repair: Annotated[
        bool, typer.Option("--repair", help="Make a gallery whole again, from its database; no photo is encoded.")
    ] = False,
    photos: Annotated[
        bool, typer.Option("--photos", help="Also read every photo of a gallery: is it the one that was encoded?")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check every file of a bundle or a gallery, and every row of a gallery's database.

    Exit code 0: it is whole, or was made so. 1: something is damaged, or a photo changed. 2: bad use.

    Examples:

    - `photoseek verify bundles/flickr30k`
    - `photoseek verify ~/Photos --photos`
    - `photoseek verify ~/Photos --repair`, then `photoseek index ~/Photos`
    """
    from photoseek.cli import info as console_info

    opened = console_info.bundle_or_gallery(path, recover=repair)
    lines = console_info.verify(opened, repair=repair)
    wrong = console_info.verify_photos(opened) if photos else []
    console_info.print_verified(lines, wrong, as_json=as_json)
    if wrong:
        raise typer.Exit(console.RUNTIME_ERROR)


def _open_page(gallery: Path | None, address: str, port: int, browser: bool, *, token: bool = True) -> None:
    from photoseek.page.launch import run_page

    sys.exit(run_page(gallery, address=address, port=port, open_browser=browser, token=token))
