"""The ``photoseek`` command line, a thin layer over the library: one module per command."""

from __future__ import annotations

import warnings

from PIL import Image

from photoseek.cli import bench, captions, evaluate, index, info, models, output, page, search, serve, store
from photoseek.errors import EvaluationError, QueryError

app = output.make_app("Search photos by their content. To get started, run `photoseek demo`.")
for command in (
    page.demo,
    index.index,
    search.search,
    store.push,
    evaluate.calibrate,
    evaluate.evaluate,
    bench.bench,
):
    app.command()(command)
app.command("app")(page.page)
for command in (serve.serve, info.info, info.verify):
    app.command()(command)
app.add_typer(captions.app, name="captions")
app.add_typer(models.app, name="models")


def main() -> None:
    """Run the command line."""
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # photos.MAX_PIXELS is the limit
    output.run(app, "photoseek", bad_use=(QueryError, EvaluationError))
