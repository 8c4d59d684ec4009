"""Rows of a caption file that cannot be read: a few in a large file are left out, more are an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from photoseek.errors import CaptionFileError

MAX_BROKEN_SHARE = 0.01
"""Largest share of rows that are left out. A file with more is probably of another kind, or damaged."""

Row = TypeVar("Row")
Result = TypeVar("Result")


@dataclass
class BrokenRows:
    """Collects the errors of rows.

    Attributes:
        errors: One error for each row that is left out.
        rows: Number of rows, read or not.
    """

    errors: list[CaptionFileError] = field(default_factory=list)
    rows: int = 0

    def read(self, parse: Callable[[Row], Result], row: Row) -> Result | None:
        """Return the result of a parser for a row, or None if it raises ``CaptionFileError``."""
        self.rows += 1
        try:
            return parse(row)
        except CaptionFileError as error:
            self.errors.append(error)
            return None

    def messages(self) -> tuple[str, ...]:
        """Return the error of each row that is left out.

        Raises:
            CaptionFileError: The first of them, if they are more than ``MAX_BROKEN_SHARE`` of the rows.
        """
        if len(self.errors) > MAX_BROKEN_SHARE * self.rows:
            if len(self.errors) == 1:
                raise self.errors[0]
            first = self.errors[0]
            raise CaptionFileError(f"{first} ({len(self.errors):,} of {self.rows:,} rows cannot be read)") from first
        return tuple(map(str, self.errors))
