"""``photoseek``: the command line. It only calls the library."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from PIL import Image

from photoseek import console, console_evaluation
from photoseek.bundle import DEMO, Bundle
from photoseek.errors import BundleNotFound, EvaluationError, GalleryNotFound, QueryError
from photoseek.gallery import Gallery
from photoseek.nearest.engines import Engine

if TYPE_CHECKING:
    from photoseek.bench import BenchReport
    from photoseek.hits import Hit
    from photoseek.indexing import IndexReport, Progress
    from photoseek.search import Searcher

app = console.make_app("Find photos by what they show. Start with: `photoseek demo`")

GalleryOption = Annotated[
    Path, typer.Option("--gallery", metavar="DIR", help="The gallery, or the photo folder that holds it.")
]
BundleOption = Annotated[str, typer.Option("--bundle", metavar="BUNDLE", help="A bundle's folder, or: demo")]
CountOption = Annotated[int, typer.Option("-k", help="How many photos, at most.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PrecisionOption = Annotated[
    str | None,
    typer.Option(
        metavar="fp32|fp16|int8",
        help="Of the towers; left out: the fastest on this CPU, and for a gallery's photos that which it began with.",
    ),
]
MovedBundleOption = Annotated[
    str | None, typer.Option("--bundle", metavar="BUNDLE", help="Where the gallery's bundle lies now, if it was moved.")
]
EngineOption = Annotated[Engine, typer.Option(help="How neighbours are found; auto: the fastest here.")]
ExactOption = Annotated[bool, typer.Option("--exact", help="Score every photo: the same as --engine exact.")]
PortOption = Annotated[int, typer.Option(help="Port of the page.")]
BrowserOption = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")]


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

    Examples: `photoseek demo`, `photoseek demo --query "a red car next to a tree at night"`, `photoseek demo ~/Photos`
    """
    from photoseek.demo.gallery import demo_photos

    bundle = Bundle.load(DEMO)
    drawn = folder is None
    if folder is None:
        with console.progress_bar("drawing", "scenes") as tell:
            folder = demo_photos(tell)
    gallery = Gallery.open_or_create(folder, bundle, rebuild=drawn)  # scenes may be left from an older photoseek
    _index(gallery, bundle, quiet=as_json)
    if query is not None:
        _search(_searcher(gallery), query, k=k, as_json=as_json)
    else:
        _open_page(gallery.path, "127.0.0.1", port, browser)


@app.command()
def index(
    photos: Annotated[Path, typer.Argument(help="Folder of photos.")],
    bundle: BundleOption = DEMO,
    gallery: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the gallery lies; left out: PHOTOS/.photoseek")
    ] = None,
    precision: PrecisionOption = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Go over to another bundle: encode all anew.")] = False,
    recall: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Of the true best that approximate search has to find. [0.99]")
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Forget vectors of photos that are gone.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a folder of photos searchable, or bring its gallery up to date.

    Only new and changed photos are encoded. Stop it when you like; the same command goes on from there.
    """
    model = Bundle.load(bundle)
    opened = Gallery.open_or_create(photos, model, gallery, rebuild=rebuild)
    report = _index(opened, model, precision, recall, quiet=as_json)
    pruned = opened.prune() if prune else 0
    if as_json:
        console.print_json({**_report_json(report), "pruned": pruned, "gallery": str(opened.path)})
    elif prune:
        print(f"{pruned:,} vectors forgotten")


@app.command()
def search(
    gallery: GalleryOption,
    query: Annotated[str | None, typer.Argument(help="What the photos should show.")] = None,
    image: Annotated[Path | None, typer.Option(metavar="FILE", help="A photo that they should be like.")] = None,
    k: CountOption = 5,
    bundle: MovedBundleOption = None,
    precision: PrecisionOption = None,
    engine: EngineOption = "auto",
    exact: ExactOption = False,
    language: Annotated[
        str | None, typer.Option(metavar="en|zh", help="Whose text tower reads it; left out: told by its script.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find photos by text, by a photo, or by both.

    Example: `photoseek search "two dogs on a beach" --gallery ~/Photos -k 10`
    """
    searcher = _searcher(Gallery.open(gallery), bundle, precision, "exact" if exact else engine)
    _search(searcher, query, image=image, k=k, language=language, as_json=as_json)


@app.command()
def evaluate(
    images: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the images.")],
    captions: console_evaluation.CaptionFiles,
    bundle: BundleOption = DEMO,
    split: Annotated[
        Path | None,
        typer.Option(metavar="FILE|NAME", help="Images that count: a file of names, or a split of the captions."),
    ] = None,
    precision: PrecisionOption = None,
    language: console_evaluation.Language = None,
    sample: console_evaluation.Sample = None,
    folds: console_evaluation.Folds = None,
    fold_size: console_evaluation.FoldSize = None,
    resamples: console_evaluation.Resamples = 1000,
    seed: console_evaluation.BootstrapSeed = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure how well captions find their images, and images their captions.

    Example: `photoseek evaluate --images DIR --captions en.token --captions zh.token --folds 5`
    """
    from photoseek.evaluation import evaluate as measure
    from photoseek.protocol import EvaluationProtocol

    rules = EvaluationProtocol(sample, folds, fold_size, language, resamples, seed)
    with console.progress_bar("encoding") as tell:
        found = measure(
            Bundle.load(bundle), images, captions, split, precision=precision, protocol=rules, progress=tell
        )
    if as_json:
        console.print_json(found.to_json())
    else:
        console_evaluation.print_evaluation(found, found.precision)


@app.command()
def bench(
    gallery: GalleryOption,
    bundle: MovedBundleOption = None,
    queries: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Texts to ask, one a line; left out: everyday ones.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="How often each text is asked.")] = 10,
    photos: Annotated[int, typer.Option(help="Photos of the gallery to decode and encode.")] = 64,
    precision: PrecisionOption = None,
    engine: EngineOption = "auto",
    exact: ExactOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how long queries and indexing take here, with your bundle and your gallery.

    Example: `photoseek bench --gallery ~/Photos`
    """
    from photoseek.bench import bench as measure

    texts = None if queries is None else _lines(queries)
    searcher = _searcher(Gallery.open(gallery), bundle, precision, "exact" if exact else engine)
    found = measure(searcher, texts, repeats=repeats, photos=photos)
    if as_json:
        console.print_json(found.to_json())
    else:
        _print_bench(found)


@app.command("app")
def page(
    gallery: Annotated[Path | None, typer.Option(metavar="DIR", help="The gallery that the page opens with.")] = None,
    address: Annotated[str, typer.Option(help="Where the page listens; others can reach it unless 127.0.0.1.")] = (
        "127.0.0.1"
    ),
    port: PortOption = 8501,
    browser: BrowserOption = True,
) -> None:
    """Open the search page."""
    _open_page(gallery, address, port, browser)


@app.command()
def info(
    path: Annotated[str, typer.Argument(help="A bundle, a gallery, or: demo")] = DEMO, as_json: JsonOption = False
) -> None:
    """Tell what is in a bundle or a gallery."""
    opened = _bundle_or_gallery(path)
    facts = _bundle_json(opened) if isinstance(opened, Bundle) else opened.status().to_json()
    if not isinstance(opened, Bundle):
        facts["unreadable"] = [{"path": name, "reason": reason} for name, reason in opened.unreadable()]
    if as_json:
        console.print_json(facts)
        return
    measured = facts.pop("search", None)
    for key, value in facts.items():
        print(f"{key + ':':<16}{_plain(value)}")
    if measured:
        _print_engines(measured)


@app.command()
def verify(path: Annotated[str, typer.Argument(help="A bundle, a gallery, or: demo")] = DEMO) -> None:
    """Check every file of a bundle or a gallery against its checksum."""
    opened = _bundle_or_gallery(path)
    opened.verify()
    print(f"{opened.path}: whole")


def _bundle_or_gallery(path: str) -> Bundle | Gallery:
    try:
        return Bundle.load(path)
    except BundleNotFound:
        try:
            return Gallery.open(path)
        except GalleryNotFound:
            raise QueryError(f"neither a bundle nor a gallery: {path}") from None


def _index(
    gallery: Gallery,
    bundle: Bundle,
    precision: str | None = None,
    recall: float | None = None,
    *,
    quiet: bool = False,
) -> IndexReport:
    try:
        with console.progress_bar("indexing") as tell:

            def show(progress: Progress) -> None:
                if progress.phase == "encode":
                    tell(progress.done, progress.total)

            report = gallery.index(bundle, precision=precision, progress=show, recall=recall)
    except KeyboardInterrupt:
        console.fail("photoseek", "interrupted; what was encoded is kept, run it again to go on", console.INTERRUPTED)
    if not quiet:
        _print_report(report)
    return report


def _print_report(report: IndexReport) -> None:
    parts = {"encoded": report.encoded, "reused": report.reused, "unchanged": report.unchanged, "gone": report.removed}
    told = ", ".join(f"{count:,} {what}" for what, count in parts.items() if count)
    print(f"{report.photos:,} photos: {told or 'nothing to do'} ({report.seconds:.1f} s)", file=sys.stderr)
    for path, reason in report.unreadable:
        print(f"unreadable: {path}: {reason}", file=sys.stderr)


def _report_json(report: IndexReport) -> dict[str, Any]:
    unreadable = [{"path": path, "reason": reason} for path, reason in report.unreadable]
    return {**vars(report), "unreadable": unreadable, "seconds": round(report.seconds, 3)}


def _searcher(
    gallery: Gallery, bundle: str | None = None, precision: str | None = None, engine: Engine = "auto"
) -> Searcher:
    from photoseek.search import Searcher

    model = None if bundle is None else Bundle.load(bundle)
    return Searcher(gallery, bundle=model, precision=precision, engine=engine)


def _search(
    searcher: Searcher,
    query: str | None,
    *,
    image: Path | None = None,
    k: int,
    language: str | None = None,
    as_json: bool,
) -> None:
    hits = searcher.search(query, photo=image, k=k, language=language)
    if as_json:
        console.print_json([hit.to_json() for hit in hits])
    else:
        _print_hits(hits)


def _print_hits(hits: Sequence[Hit]) -> None:
    console.print_table(["photo", "score"], [[str(hit.file), f"{hit.score:.3f}"] for hit in hits])


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise QueryError(f"{file}: expected UTF-8 text, one query a line: {error}") from error


def _print_bench(found: BenchReport) -> None:
    print(", ".join(f"{key} {_plain(value)}" for key, value in found.setting.items()))
    steps = {**found.query, "photoseek search, cold": found.cold}
    rows = [
        [step, *(f"{value:.2f}" for value in (it.p50, it.p95, it.p99)), str(it.calls)] for step, it in steps.items()
    ]
    console.print_table(["query, ms", "p50", "p95", "p99", "calls"], rows)
    if found.photos:
        console.print_table(["photos", "a second"], [[step, f"{rate:,.1f}"] for step, rate in found.photos.items()])
    print(f"peak memory: {found.peak_mb:,.0f} MB here, {found.cold_peak_mb:,.0f} MB in a cold search")


def _print_engines(measured: dict[str, Any]) -> None:
    """What was measured with each engine; a star stands beside the one that ``auto`` takes."""
    kinds = sorted({kind for found in measured["engines"].values() for kind in found["recalls"]})
    rows = [
        [
            f"{name}{' *' if name == measured['auto'] else ''}",
            f"{found['milliseconds']:.3f}",
            *(f"{found['recalls'][kind]:.4f}" if kind in found["recalls"] else "-" for kind in kinds),
            _plain(found["parameters"]),
        ]
        for name, found in measured["engines"].items()
    ]
    console.print_table(["engine", "ms", *(f"recall, by {kind}" for kind in kinds), "parameters"], rows)


def _open_page(gallery: Path | None, address: str, port: int, browser: bool) -> None:
    from photoseek.page.launch import run_page

    sys.exit(run_page(gallery, address=address, port=port, open_browser=browser))


def _bundle_json(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    return {
        "path": str(bundle.path),
        "name": bundle.name,
        "fingerprint": bundle.fingerprint,
        "dim": bundle.dim,
        "pooling": manifest.pooling,
        "languages": list(bundle.languages),
        "text_towers": {language: asdict(record) for language, record in manifest.text_towers.items()},
        "precisions": {name: manifest.precisions.get(name, {}) for name in bundle.precisions},
        "bytes": sum(record.bytes for record in manifest.files.values()),
        "training": manifest.training,
        "licence": manifest.licence,
    }


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}".strip() for key, inner in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(_plain(inner) for inner in value) or "-"
    return "-" if value is None else f"{value:,}" if type(value) is int else str(value)
