"""The folder of the files: which of them holds what, looked at anew when something in it was added, renamed or removed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from stockjobs.domain.excerpts import excerpt
from stockjobs.domain.market.intervals import Interval
from stockjobs.errors import MalformedReply, ProviderDown, RangeRefused, SymbolUnknown
from stockjobs.providers.files.names import interval_of, parse_name, spellings

_ENDINGS = (".csv", ".parquet")
_BESIDE = ("actions", "facts")
INSTRUMENTS = "instruments.csv"


@dataclass(frozen=True)
class Place:
    """A file of one symbol, or one of many symbols (`is_shared`) that says of each row whose it is."""

    path: Path
    is_shared: bool = False


@dataclass(frozen=True)
class _Listing:
    """What a folder holds: files by symbol and interval, by what stands beside bars, and files of many symbols."""

    bars: dict[tuple[str, Interval | None], list[tuple[bool, Path]]] = field(default_factory=dict)
    beside: dict[tuple[str, str], Path] = field(default_factory=dict)
    shared: dict[Interval, list[Path]] = field(default_factory=dict)


class Folder:
    """A folder of files. Nothing outside of it is ever read, wherever a link in it leads."""

    def __init__(self, root: Path, interval: Interval) -> None:
        self._root = root
        self._interval = interval

    def bars(self, symbol: str, interval: Interval) -> Place:
        """The file with the bars of a symbol.

        Raises `SymbolUnknown` if there is none of it at all, `RangeRefused` if there is one of another interval only,
        `MalformedReply` if it is not clear which file is meant, `ProviderDown` if the folder cannot be read.
        """
        listing = self._listing()
        asked = (interval, None) if interval is self._interval else (interval,)
        for spelling in spellings(symbol):
            found = [one for named in asked for one in listing.bars.get((spelling, named), ())]
            if found:
                return Place(_the_one(symbol, interval, found))
        if interval in listing.shared:
            return Place(_the_one(symbol, interval, [(False, path) for path in listing.shared[interval]]), True)
        if any(name in spellings(symbol) for name, _ in listing.bars):
            raise RangeRefused(f"There is no file for {symbol} at {interval} in {self._root}, only at other intervals.")
        raise SymbolUnknown(f"There is no file for {symbol} in {self._root}.")

    def beside(self, symbol: str, what: str) -> Path | None:
        """The file `SYMBOL.actions.csv` or `SYMBOL.facts.csv`, if there is one."""
        listing = self._listing()
        found = (listing.beside.get((spelling, what)) for spelling in spellings(symbol))
        return next((path for path in found if path), None)

    def knows(self, symbol: str) -> bool:
        """True if anything in the folder is named after the symbol."""
        listing = self._listing()
        names = {name for name, _ in (*listing.bars, *listing.beside)}
        return any(spelling in names for spelling in spellings(symbol))

    def named(self, name: str) -> Path:
        """A file by its path below the folder. Raises `MalformedReply` for one that is not there, or leads out of it."""
        path = self._root / name
        if not _is_inside(path, self._root) or not path.is_file():
            raise MalformedReply(f"{INSTRUMENTS} names the file {excerpt(name)}, which is not in {self._root}.")
        return path

    @property
    def instruments(self) -> Path | None:
        """The file that says what the symbols are, if there is one."""
        path = self._root / INSTRUMENTS
        return path if path.is_file() and _is_inside(path, self._root) else None

    def _listing(self) -> _Listing:
        try:
            changed = os.stat(self._root).st_mtime_ns
            inner = _inner(self._root, changed)
            return _listing(self._root, inner, (changed, *(os.stat(path).st_mtime_ns for path in inner)))
        except OSError as error:
            raise ProviderDown(f"The folder {self._root} cannot be read: {error.strerror or error}.") from error


@lru_cache(maxsize=8)
def _inner(root: Path, changed: int) -> tuple[str, ...]:  # noqa: ARG001 - part of the key
    return tuple(sorted(entry.path for entry in os.scandir(root) if entry.is_dir() and interval_of(entry.name)))


@lru_cache(maxsize=8)
def _listing(root: Path, inner: tuple[str, ...], changed: tuple[int, ...]) -> _Listing:  # noqa: ARG001 - part of the key
    found = _Listing()
    for path in _files(root, root):
        _sort_in(found, path, None)
    for folder in inner:
        for path in _files(Path(folder), root):
            _sort_in(found, path, interval_of(Path(folder).name))
    return found


def _files(folder: Path, root: Path) -> Iterator[Path]:
    for entry in os.scandir(folder):
        path = Path(entry.path)
        is_meant = path.suffix.lower() in _ENDINGS and not entry.name.startswith(".") and entry.name != INSTRUMENTS
        if is_meant and entry.is_file() and _is_inside(path, root):
            yield path


def _is_inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())


def _sort_in(listing: _Listing, path: Path, folder: Interval | None) -> None:
    stem, _, what = path.stem.rpartition(".")
    if stem and what.lower() in _BESIDE:
        listing.beside[(stem.upper(), what.lower())] = path
        return
    alone = interval_of(path.stem)
    if alone is not None:
        listing.shared.setdefault(alone, []).append(path)
        return
    name = parse_name(path.stem)
    # In a folder named after an interval all of a file's name is the symbol, unless it says the same again.
    of_folder = folder is not None and name.interval is not folder
    symbol, interval = (path.stem.upper(), folder) if of_folder else (name.symbol, name.interval)
    listing.bars.setdefault((symbol, interval), []).append((name.has_note and not of_folder, path))


def _the_one(symbol: str, interval: Interval, found: list[tuple[bool, Path]]) -> Path:
    plain = [path for has_note, path in found if not has_note]
    among = plain or [path for _, path in found]
    if len(among) > 1:
        shown = ", ".join(sorted(path.name for path in among)[:4])
        cure = f"keep one, or name it in the column `file` of {INSTRUMENTS}"
        raise MalformedReply(f"Several files hold {symbol} at {interval}: {shown}; {cure}.")
    return among[0]
