"""`stockctl config`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated

import typer
from rich.cells import cell_len

from stockjobs import settings
from stockjobs.cli import tables
from stockjobs.cli.output import as_json
from stockjobs.cli.values import settings_of
from stockjobs.settings import Settings


class ConfigFormat(StrEnum):
    """How settings are written."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"


_COLUMNS = ("name", "value", "unit", "default", "origin", "variables", "about")
_NARROW = ("name", "unit", "origin", "value")
"""What a terminal has that is too narrow for all; a long value is the last of its line."""


@dataclass(frozen=True)
class Setting:
    """A setting as it stands. A password in its value is masked."""

    name: str
    value: object
    unit: str
    default: object
    origin: str
    variables: tuple[str, ...]
    about: str


def every(ctx: typer.Context) -> list[Setting]:
    """Every setting of this call."""
    values, origins = settings_of(ctx)
    return [
        Setting(
            name=name,
            value=values.shown(name),
            unit=unit_of(name),
            default=field.default,
            origin=str(origins[name]),
            variables=settings.variables(name),
            about=field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def unit_of(name: str) -> str:
    """The unit of a setting, empty where it has none."""
    extra = Settings.model_fields[name].json_schema_extra
    return str(extra["unit"]) if isinstance(extra, dict) else ""


def text_of(value: object) -> str:
    """A value as it would be set in the environment."""
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def config(
    ctx: typer.Context,
    output: Annotated[ConfigFormat, typer.Option("--output", "-o", help="How to write them.")] = ConfigFormat.TABLE,
) -> None:
    """List every setting, and where its value comes from.

    A setting is taken from the first place that has it: an option before the verb, the environment, the file named by
    STOCKJOBS_CONFIG or stockjobs.toml in the working folder, the default. NAME_FILE names a file that holds the value.
    """
    found = every(ctx)
    if output is ConfigFormat.JSON:
        typer.echo(as_json([asdict(setting) for setting in found]))
        return
    is_wide = output is ConfigFormat.WIDE
    for line in _lines(found, is_wide=is_wide, most=None if is_wide else tables.width()):
        typer.echo(line)


def _lines(found: Sequence[Setting], *, is_wide: bool, most: int | None) -> Iterator[str]:
    """The table of settings; where it is too wide, without what can be spared."""
    rows = [dict(zip(_COLUMNS, _row(setting), strict=True)) for setting in found]
    titles = _COLUMNS if is_wide else _COLUMNS[:-1]
    lines = list(_table(titles, rows))
    is_narrow = most is not None and max(map(cell_len, lines)) > most
    yield from _table(_NARROW, rows) if is_narrow else lines


def _table(titles: Sequence[str], rows: Sequence[dict[str, str]]) -> Iterator[str]:
    return tables.lines(titles, [[row[title] for title in titles] for row in rows])


def _row(setting: Setting) -> list[str]:
    cells = (
        text_of(setting.value),
        setting.unit,
        text_of(setting.default),
        setting.origin,
        ", ".join(setting.variables),
    )
    return [setting.name, *(cell or "-" for cell in cells), setting.about]
