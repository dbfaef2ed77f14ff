"""Where manifests are read from: files, folders and standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from stockjobs.errors import InvalidInput
from stockjobs.services.documents.yaml_documents import MAX_BYTES

_SUFFIXES = (".yaml", ".yml", ".json")


def sources(names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The name and the content of every file that is meant; of a folder its YAML and JSON files, by name."""
    for name in names:
        if name == "-":
            yield "stdin", sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            for path in _paths(Path(name)):
                yield str(path), _content(path)


def _paths(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.iterdir() if one.suffix in _SUFFIXES and one.is_file())
    if not found:
        raise InvalidInput.because(str(path), "has no manifests in it", f"their names end in {', '.join(_SUFFIXES)}")
    return found


def _content(path: Path) -> bytes:
    try:
        # One byte more than is allowed shows that there is too much.
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInput.because(
            str(path), f"cannot be read: {error.strerror}", "-f takes a file, a folder or -"
        ) from None
