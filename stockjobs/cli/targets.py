"""Where bars are written to, and how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stockjobs.errors import InvalidInput


class DataFormat(StrEnum):
    """How bars are written: rounded for people, or whole for programs."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


WrittenAs = Annotated[
    DataFormat | None,
    typer.Option("--output", "-o", help="How to write it; if not given, as --file ends, or a table."),
]
File = Annotated[str | None, typer.Option("--file", "-f", metavar="PATH", help="Where to write it; - is stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]


@dataclass(frozen=True)
class Target:
    """A format, and a file that may be replaced, or not; no path is stdout."""

    form: DataFormat
    path: Path | None = None
    force: bool = False

    def check(self) -> None:
        """Refuse a path that cannot be written, or holds something. Raises InvalidInput."""
        path = self.path
        if path is None:
            return
        if path.is_dir():
            raise InvalidInput.because("--file", f"{path} is a folder", "name a file in it")
        if not path.parent.is_dir():
            raise InvalidInput.because("--file", f"there is no folder {path.parent}", "make it, or choose another path")
        if path.exists() and not self.force:
            raise InvalidInput.because("--file", f"{path} exists", "choose another path, or add --force to replace it")


def target_of(*, output: WrittenAs = None, file: File = None, force: Force = False) -> Target:
    """What was asked for; a file's ending says its format where nothing else does. Raises InvalidInput."""
    form, path = output, None if file in (None, "-") else Path(str(file))
    if form is None and path is not None:
        ending = path.suffix.removeprefix(".").lower()
        if ending not in {DataFormat.CSV, DataFormat.JSON, DataFormat.PARQUET}:
            raise InvalidInput.because("--file", f"{path} does not end as a format", "name one with --output")
        form = DataFormat(ending)
    target = Target(form or DataFormat.TABLE, path, force)
    if target.form is DataFormat.TABLE and path is not None:
        raise InvalidInput.because("--output", "a table is for people", "csv, json or parquet go to a file")
    target.check()
    return target
