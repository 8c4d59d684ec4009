"""The ``photoseek`` command line, a thin layer over the library."""

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
from photoseek.cli import captions, evaluate, options, output
from photoseek.cli import index as index_output
from photoseek.cli import rerank as rerank_options
from photoseek.cli import search as search_output
from photoseek.cli import store as store_options
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

app = output.make_app("Search photos by their content. To get started, run `photoseek demo`.")
app.add_typer(captions.app, name="captions")


def main() -> None:
    """Run the command line."""
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # photos.MAX_PIXELS is the limit
    output.run(app, "photoseek", bad_use=(QueryError, EvaluationError))


@app.command()
def demo(
    folder: Annotated[Path | None, typer.Argument(help="Folder of photos. Defaults to 300 drawn scenes.")] = None,
    query: Annotated[str | None, typer.Option(help="Print the hits of this query and do not open the page.")] = None,
    k: CountOption = 5,
    as_json: JsonOption = False,
    port: PortOption = 8501,
    browser: BrowserOption = True,
) -> None:
    """Search 300 drawn scenes, or a photo folder, with the embedded demo bundle.

    Examples:

    - Open the page on the drawn scenes: `photoseek demo`
    - Print the hits of a query: `photoseek demo --query "a red car next to a tree at night"`
    - Open the page on your photos: `photoseek demo ~/Photos`
    """
    from photoseek.demo.gallery import demo_photos

    bundle = Bundle.load(DEMO)
    drawn = folder is None  # another version of photoseek may have indexed the scenes with another bundle
    gallery = Gallery.open_or_create(folder or demo_photos(), bundle, rebuild=drawn)
    index_output.index_with_progress(gallery, bundle, quiet=as_json)
    if query is not None:
        ask = partial(search_output.open_searcher(gallery).search, k=k)
        search_output.run_query(ask, query, search_output.Output.chosen(as_json=as_json))
    else:
        _open_page(gallery.path, "127.0.0.1", port, browser)


@app.command()
def index(
    photos: Annotated[str, typer.Argument(help="Photo folder: a path, s3://BUCKET/FOLDER or gs://BUCKET/FOLDER.")],
    bundle: GalleryBundleOption = None,
    gallery: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the gallery. Defaults to PHOTOS/.photoseek.")
    ] = None,
    precision: PrecisionOption = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Re-encode every photo, for example after switching to another bundle.")
    ] = False,
    add_bundle: Annotated[
        bool,
        typer.Option(
            "--add-bundle",
            help="Index the photos with a second bundle as well; each bundle is searched separately.",
        ),
    ] = False,
    remove_bundle: Annotated[
        str | None,
        typer.Option(metavar="BUNDLE", help="Remove an additional bundle and its vectors from the gallery."),
    ] = None,
    recall: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Target recall@10 of approximate search, between 0 and 1 [default: 0.99]"),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete the stored vectors of removed photos and removed bundles.")
    ] = False,
    relocate: Annotated[
        bool,
        typer.Option("--relocate", help="Point an existing gallery at PHOTOS after the photos have moved."),
    ] = False,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Read every photo and re-encode those whose content changed.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep running and re-index when photos change (extra: watch).")
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Encode photos on a Ray cluster: auto, local, HOST:PORT or ray://HOST:PORT (extra: ray).",
        ),
    ] = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Index a folder of photos, or update its gallery.

    Only new and changed photos are encoded. You can interrupt the command at any time and run it again to resume.

    Examples:

    - With the demo bundle: `photoseek index ~/Photos`
    - After a program changed photos and restored their timestamps: `photoseek index ~/Photos --rehash`
    - Switch to another bundle: `photoseek index ~/Photos --bundle bundles/flickr30k --rebuild`
    - Add a second bundle: `photoseek index ~/Photos --bundle bundles/flickr30k --add-bundle`
    - Store the gallery outside the photo folder: `photoseek index /mnt/photos --gallery ~/galleries/photos`
    - After the photos have moved: `photoseek index /mnt/disk2 --gallery ~/galleries/photos --relocate`
    - Re-index on every change until Ctrl-C: `photoseek index ~/Photos --watch`
    - Photos in object storage: `photoseek index s3://bucket/photos --gallery ~/galleries/photos`
    - On several machines: `photoseek index s3://bucket/photos --gallery ~/galleries/photos --ray auto`
    """
    index_output.require_one_of(
        {"--watch": watch, "--prune": prune, "--remove-bundle": remove_bundle is not None, "--ray": ray is not None}
    )
    index_output.require_one_of({"--watch": watch, "--rehash": rehash, "--remove-bundle": remove_bundle is not None})
    index_output.require_one_of(
        {"--add-bundle": add_bundle, "--rebuild": rebuild, "--remove-bundle": remove_bundle is not None}
    )
    if remove_bundle is not None:
        index_output.remove_bundle(Gallery.open(gallery or photos, recover=True), remove_bundle, as_json=as_json)
        return
    backend = None
    if ray is not None:
        from photoseek.ray_indexing import RayBackend

        backend = RayBackend(ray)
    answer = trusting(trust)
    model = index_output.bundle_of(photos, gallery, bundle, answer)
    opened = Gallery.open_or_create(
        photos, model, gallery, rebuild=rebuild, add_bundle=add_bundle, relocate=relocate, trust=answer
    )
    with suppress(GalleryUntrusted):  # of an additional bundle, which the report names
        opened.expect_trust()  # asks before the progress bar starts
    if watch:
        index_output.watch_and_print(opened, model, precision, recall, as_json=as_json)
    report = index_output.index_with_progress(
        opened, model, precision, recall, backend=backend, rehash=rehash, quiet=as_json
    )
    pruned = opened.prune() if prune else 0
    if as_json:
        output.print_json(
            {**index_output.report_json(report), "pruned": pruned, "gallery": decode_filename(str(opened.path))}
        )
    elif prune:
        output.print_line(f"{pruned:,} vectors deleted")


@app.command()
def search(
    gallery: GalleryOption,
    query: Annotated[
        list[str] | None,
        typer.Argument(help="Text query. Without one, each line of standard input is a query."),
    ] = None,
    image: Annotated[Path | None, typer.Option(metavar="FILE", help="Find photos similar to this image file.")] = None,
    similar_to: Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="Find photos similar to this photo of the gallery: its path in the photo folder."
        ),
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
        bool, typer.Option("--group-duplicates", help="Group near-duplicates and count each group as one hit.")
    ] = False,
    bundle: IndexedBundleOption = None,
    rerank: rerank_options.RerankOption = None,
    depth: rerank_options.DepthOption = DEPTH,
    fuse: rerank_options.FuseOption = Fusion.rule,
    rerank_weight: rerank_options.WeightOption = Fusion.weight,
    precision: PrecisionOption = None,
    engine: EngineOption = "auto",
    exact: ExactOption = False,
    store: store_options.StoreOption = None,
    collection: store_options.CollectionOption = None,
    fallback: store_options.FallbackOption = False,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="en|zh", help="Language of the query (`en` or `zh`). Detected from the script by default."
        ),
    ] = None,
    trust: TrustOption = False,
    as_json: search_output.HitsJsonOption = False,
    paths: search_output.PathsOption = False,
    null: search_output.NullOption = False,
    pictures: search_output.PicturesOption = False,
    opened: search_output.OpenOption = False,
) -> None:
    """Search photos by text, by image, or by both.

    A query can add, subtract and weight terms with `+`, `-` and `N:`. Escape these characters with a backslash.

    Exit codes: 0 if every query succeeded, 1 if a search failed or a line of standard input is not a valid query,
    2 for a usage error.

    Examples:

    - `photoseek search "two dogs on a beach" --gallery ~/Photos -k 10`
    - Weighted terms: `photoseek search "dog + 2:beach - person" --gallery ~/Photos`
    - Photos of one summer: `photoseek search "a lake" --gallery ~/Photos --taken-from 2023-06 --taken-to 2023-08`
    - Rerank the top hits: `photoseek search "a lake" --gallery ~/Photos --rerank bundles/flickr30k`
    - Open photos similar to an image: `photoseek search --image holiday.jpg --gallery ~/Photos --open`
    - Copy the photos found: `photoseek search "at night" --gallery ~/Photos -0 | xargs -0 cp -t night`
    - Many queries, one JSON object per line: `photoseek search --gallery ~/Photos --json < queries.txt`
    - Search in a vector database: `photoseek search "a lake" --gallery ~/Photos --store postgresql://me@db/photos`
    """
    chosen = search_output.Output.chosen(as_json=as_json, paths=paths, null=null, pictures=pictures, opened=opened)
    lines = search_output.query_lines() if not query and image is None and similar_to is None else None
    if exact and store is not None:
        raise typer.BadParameter("expected --exact, or --store (or PHOTOSEEK_STORE), found both")
    searcher = search_output.open_searcher(
        Gallery.open(gallery, trust=trusting(trust)),
        bundle,
        precision,
        "exact" if exact else engine,
        StoreChoice(store, collection, fallback),
    )
    where = Filter(folder, taken_from, taken_to, min_megapixels, max_megapixels, orientation, file_type)
    searcher.text_encoder.require_text_tower(language)  # once, not for each line
    asked = rerank_options.with_rerank(searcher, rerank, depth, Fusion(fuse, rerank_weight), precision)
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
        search_output.run_query(ask, " ".join(query) if query else None, chosen)
    else:
        raise typer.Exit(search_output.run_batch(ask, lines, chosen))


app.command()(store_options.push)
for command in (evaluate.calibrate, evaluate.evaluate, evaluate.bench):
    app.command()(command)


@app.command("app")
def page(
    gallery: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Gallery to open first.", autocompletion=complete_gallery),
    ] = None,
    address: Annotated[
        str, typer.Option(help="Address to listen on; any other than 127.0.0.1 exposes it to the network.")
    ] = ("127.0.0.1"),
    port: PortOption = 8501,
    browser: BrowserOption = True,
    no_token: Annotated[bool, typer.Option("--no-token", help="Serve the page without an access token.")] = False,
    trust: TrustOption = False,
) -> None:
    """Start the search page and print its address, which includes the access token.

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
    rerank: rerank_options.RerankOption = None,
    depth: rerank_options.DepthOption = DEPTH,
    fuse: rerank_options.FuseOption = Fusion.rule,
    rerank_weight: rerank_options.WeightOption = Fusion.weight,
    precision: PrecisionOption = None,
    engine: EngineOption = "auto",
    store: store_options.StoreOption = None,
    collection: store_options.CollectionOption = None,
    fallback: store_options.FallbackOption = False,
    address: Annotated[
        str, typer.Option(help="Address to listen on; any other than 127.0.0.1 exposes it to the network.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(help="Port of the service.")] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File with the access token. Defaults to PHOTOSEEK_TOKEN, or no token."),
    ] = None,
    proxy_headers: Annotated[
        str,
        typer.Option(
            metavar="ADDRESSES",
            help="Trust X-Forwarded-For and X-Forwarded-Proto from these proxies: addresses or networks, separated by "
            "commas. By default, these headers are ignored.",
        ),
    ] = "",
    max_connections: Annotated[
        int, typer.Option(min=1, help="Maximum open connections; idle and incomplete ones are closed for new ones.")
    ] = Limits.connections,
    client_timeout: Annotated[
        float,
        typer.Option(
            min=0.1,
            metavar="SECONDS",
            help="Timeout for a client to send the request headers, send more of the body, "
            "or read more of the response.",
        ),
    ] = Limits.wait_seconds,
    trust: TrustOption = False,
) -> None:
    """Start the HTTP search service.

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
    path: Annotated[str, typer.Argument(help="Bundle or gallery; `demo` is the embedded bundle.")] = DEMO,
    as_json: JsonOption = False,
) -> None:
    """Show the contents of a bundle or a gallery.

    Examples: `photoseek info demo`, `photoseek info ~/Photos --json`
    """
    from photoseek.cli import info as info_output

    facts = info_output.describe_path(info_output.bundle_or_gallery(path))
    if as_json:
        output.print_json(facts)
    else:
        info_output.print_facts(facts)


@app.command()
def verify(
    path: Annotated[str, typer.Argument(help="Bundle or gallery; `demo` is the embedded bundle.")] = DEMO,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair a gallery from its database, without encoding any photo.")
    ] = False,
    photos: Annotated[
        bool, typer.Option("--photos", help="Also read every photo of a gallery and report those that have changed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Verify the files of a bundle or a gallery, and every row of the gallery's database.

    Exit codes: 0 if everything is intact or was repaired, 1 if something is damaged or a photo has changed,
    2 for a usage error.

    Examples:

    - `photoseek verify bundles/flickr30k`
    - `photoseek verify ~/Photos --photos`
    - `photoseek verify ~/Photos --repair`, then `photoseek index ~/Photos`
    """
    from photoseek.cli import info as info_output

    opened = info_output.bundle_or_gallery(path, recover=repair)
    lines = info_output.verify(opened, repair=repair)
    wrong = info_output.verify_photos(opened) if photos else []
    info_output.print_verified(lines, wrong, as_json=as_json)
    if wrong:
        raise typer.Exit(output.RUNTIME_ERROR)


def _open_page(gallery: Path | None, address: str, port: int, browser: bool, *, token: bool = True) -> None:
    from photoseek.page.launch import run_page

    sys.exit(run_page(gallery, address=address, port=port, open_browser=browser, token=token))
