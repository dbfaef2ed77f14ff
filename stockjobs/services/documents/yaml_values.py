"""Values of a YAML tree, as the core schema of YAML 1.2 reads them, with two differences that spare traps.

What the caller calls a word is always the text that was written, so that among symbols `ON`, `TRUE`, `0123` and `1e5` are
tickers; and a number with a leading zero or of more than 18 digits is a text, which no number field takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from stockjobs.domain.places import Path
from stockjobs.services.documents.yaml_documents import Items, Mapping, Node

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def value_of(node: Node, is_word: Callable[[Path], bool], path: Path = ()) -> Any:
    """What a tree holds: dictionaries, lists, texts, numbers, truths and None; a word, by its path, stays as it was written."""
    if isinstance(node, Mapping):
        return {key: value_of(value, is_word, (*path, key)) for key, value in node.entries.items()}
    if isinstance(node, Items):
        return [value_of(item, is_word, (*path, index)) for index, item in enumerate(node.items)]
    return node.text if not node.is_plain or is_word(path) else _scalar(node.text)


def _scalar(text: str) -> str | int | float | bool | None:
    if _NULL.fullmatch(text):
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not _is_long_integer(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _is_long_integer(text: str) -> bool:
    return text.lstrip("+-").isdigit()
