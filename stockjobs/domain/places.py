"""Where in a document something is wrong, and what."""

from __future__ import annotations

from dataclasses import dataclass, replace

Path = tuple[str | int, ...]
"""The keys and positions that lead from a document to one of its values."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a document: the path to it, what is wrong, and how to mend it."""

    path: Path
    message: str
    hint: str = ""
    is_of_key: bool = False
    """True if the last key is wrong, whatever its value may be."""

    def under(self, path: Path) -> Fault:
        """The same fault, in a document that has this one at a path of its own."""
        return replace(self, path=(*path, *self.path))


def shown_path(path: Path) -> str:
    """A path as people write it: `spec.symbols[3]`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
