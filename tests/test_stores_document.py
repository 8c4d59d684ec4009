"""Run the examples of docs/stores.md with a real PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from photoseek import Gallery
from postgres_server import running_postgres

TEXT = (Path(__file__).parents[1] / "docs" / "stores.md").read_text("utf-8")
URI = "postgresql://me@db.example/photos"


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.S | re.M)
    return str(found)


def test_the_examples_push_search_and_remove(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = block("python")
    assert code.count(URI) == 2
    with Gallery.open(home / "Photos") as gallery:
        name = f"photoseek_{gallery.database.meta()['gallery']}"
    with running_postgres() as server:
        import psycopg

        found: dict[str, object] = {}
        exec(compile(code.replace(URI, server.uri), "stores.md", "exec"), found)
        assert capsys.readouterr().out == "24 0 1.0\n"
        assert len(found["hits"]) == 5  # type: ignore[arg-type]
        with psycopg.connect(server.uri, autocommit=True) as connection:
            remaining = "SELECT (SELECT count(*) FROM photoseek_stores), to_regclass(%s)"
            assert connection.execute(remaining, (name,)).fetchone() == (1, name)
            connection.execute(re.sub(r"photoseek_[0-9a-f]{32}", name, block("sql")))
            assert connection.execute(remaining, (name,)).fetchone() == (0, None)
