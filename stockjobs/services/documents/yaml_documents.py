"""Reading YAML into a tree that remembers its lines, and refusing what a manifest has no need of.

The tree is built from the parser's events, so limits hold before anything is expanded, and no scalar is turned into a value
here: whether `ON` is a word or a truth is for the reader who knows the field to say.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from stockjobs.domain.places import Path, shown_path
from stockjobs.errors import Problem

MAX_BYTES = 1 << 20
"""The largest file. A job of 10,000 symbols takes a tenth to a third of it."""

MAX_DEPTH = 20
MAX_NODES = 25_000
"""Values in a file: two jobs of as many symbols as a job may have. The parser reads some 20,000 in a second."""


@dataclass(frozen=True)
class Scalar:
    """A single value as it was written; `is_plain` without quotes."""

    text: str
    is_plain: bool
    line: int


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True)
class Mapping:
    """Keys with their values, and the line of each key."""

    entries: dict[str, Node]
    lines: dict[str, int]
    line: int


Node = Scalar | Items | Mapping


@dataclass(frozen=True)
class Document:
    """One document of a file; `is_sound` unless something in it was refused, so that its tree is not all that was meant."""

    root: Node
    is_sound: bool


@dataclass
class Parsed:
    """What a file holds: the documents that are not empty, and what is wrong with it."""

    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class _TooMuch(Exception):
    """The file goes beyond a limit: it is not read on. The problem is noted already."""


def parse(content: bytes | str, name: str) -> Parsed:
    """The documents of a file, and every problem of its form; `name` is how the file is called in them."""
    parsed = Parsed()
    size = len(content)
    if size > MAX_BYTES:
        shown = f"{size / 1024:,.0f} KiB"
        parsed.problems.append(Problem(name, f"has {shown}, at most {MAX_BYTES // 1024:,} KiB are read", "split it"))
        return parsed
    try:
        text = content if isinstance(content, str) else _decoded(content)
        # The loader is asked for events only, so nothing in the file can choose what is made of it.
        _Builder(YAML(typ="safe", pure=True).parse(text.removeprefix("\ufeff")), name, parsed).build()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1 if isinstance(content, bytes) else 1
        parsed.problems.append(Problem(f"{name}:{line}", "is not UTF-8 text", "save the file as UTF-8"))
    except YAMLError as error:
        parsed.problems.append(_syntax(error, name))
    except _TooMuch:
        pass
    return parsed


def node_at(root: Node, path: Path) -> tuple[Node, int]:
    """The deepest node on a path, and the line on which the last key that is there stands."""
    node, line = root, root.line
    for step in path:
        if isinstance(node, Mapping) and isinstance(step, str) and step in node.entries:
            line = node.lines[step]
            node = node.entries[step]
        elif isinstance(node, Items) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            line = node.line
        else:
            break
    return node, line


def _decoded(content: bytes) -> str:
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if is_utf16 else "utf-8-sig")


def _syntax(error: YAMLError, name: str) -> Problem:
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        hint = "indent with blanks, not tabs" if "\\t" in str(error.problem) else "see YAML 1.2"
        return Problem(where, f"is not YAML: {error.problem or error.context}", hint)
    character = getattr(error, "character", None)
    what = f"it holds the character {character!r}" if character is not None else str(error).partition("\n")[0]
    return Problem(name, f"is not YAML: {what}", "save the file as UTF-8 text")


class _Builder:
    """Builds the trees of one file from the parser's events."""

    def __init__(self, events: Iterator[Any], name: str, parsed: Parsed) -> None:
        self._events = events
        self._name = name
        self._parsed = parsed
        self._nodes = 0

    def build(self) -> None:
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                problems_before = len(self._parsed.problems)
                root = self._node(next(self._events), ())
                if not (isinstance(root, Scalar) and root.is_plain and root.text == ""):
                    is_sound = len(self._parsed.problems) == problems_before
                    self._parsed.documents.append(Document(root, is_sound))
            elif isinstance(event, DocumentEndEvent):
                continue

    def _node(self, event: Any, path: Path) -> Node:
        line = event.start_mark.line + 1
        self._check(event, path, line)
        if isinstance(event, ScalarEvent):
            return Scalar(event.value, event.style is None, line)
        if isinstance(event, SequenceStartEvent):
            return Items(tuple(self._items(path)), line)
        if isinstance(event, MappingStartEvent):
            return self._mapping(path, line)
        return Scalar("", True, line)

    def _check(self, event: Any, path: Path, line: int) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._refuse(line, (), f"the file holds more than {MAX_NODES:,} values", "split it into several files")
            raise _TooMuch
        if len(path) >= MAX_DEPTH:
            self._refuse(line, (), f"is nested deeper than {MAX_DEPTH} levels", "a job needs four")
            raise _TooMuch
        if isinstance(event, AliasEvent):
            self._refuse(
                line, path, f"*{event.anchor} is an alias", "write the value out; anchors and aliases are not read"
            )
        elif event.anchor is not None:
            self._refuse(line, path, f"&{event.anchor} is an anchor", "remove it; anchors and aliases are not read")
        if getattr(event, "tag", None) is not None:
            self._refuse(line, path, f"{str(event.tag)[:80]!r} is a tag", "remove it; tags are not read")

    def _items(self, path: Path) -> Iterator[Node]:
        index = 0
        while not isinstance(event := next(self._events), SequenceEndEvent):
            yield self._node(event, (*path, index))
            index += 1

    def _mapping(self, path: Path, line: int) -> Mapping:
        found = Mapping({}, {}, line)
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._node(event, (*path, "?"))
            text = key.text if isinstance(key, Scalar) else None
            value = self._node(next(self._events), (*path, text if text is not None else "?"))
            if text is None:
                self._refuse(key.line, path, "a key is a list or a mapping", "keys are plain words")
            elif text in found.entries:
                first = f"it stands on line {found.lines[text]} already; keep one of them"
                self._refuse(key.line, (*path, text), "is given twice", first)
            else:
                found.entries[text] = value
                found.lines[text] = key.line
        return found

    def _refuse(self, line: int, path: Path, message: str, hint: str) -> None:
        place = shown_path(path)
        where = f"{self._name}:{line}: {place}" if place else f"{self._name}:{line}"
        self._parsed.problems.append(Problem(where, message, hint))
