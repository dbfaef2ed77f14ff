"""Manifests: YAML text to jobs, telling all that is wrong with it by file, line and field, and jobs to YAML text.

Scalars are read as the core schema of YAML 1.2 reads them, with two differences that spare traps: symbols are always the
text that was written, so `ON`, `TRUE`, `0123` and `1e5` are tickers; and a number with a leading zero or of more than 18 digits
is a text, which no number field takes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from stockjobs.domain.jobs import JobSpec, Manifest, Metadata
from stockjobs.errors import InvalidInput, Problem
from stockjobs.providers import registry
from stockjobs.services.manifest_problems import is_echo, problem_of
from stockjobs.services.yaml_documents import Document, Items, Mapping, Node, Path, Scalar, node_at, parse, shown_path

_SYMBOLS: Path = ("spec", "symbols")
_PROVIDER: Path = ("spec", "provider")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?")
_NULL = re.compile(r"~|null|Null|NULL|")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def read(content: bytes | str, name: str = "manifest") -> list[Manifest]:
    """The jobs of one YAML text. Raises InvalidInput with every problem; then none of its jobs is to be used."""
    return read_all([(name, content)])


def read_all(sources: Iterable[tuple[str, bytes | str]]) -> list[Manifest]:
    """The jobs of several files (name, content), in order. Raises InvalidInput with every problem of every file."""
    found: dict[str, tuple[Manifest, str]] = {}
    problems: list[Problem] = []
    for name, content in sources:
        parsed = parse(content, name)
        here = list(parsed.problems)
        if not parsed.documents and not parsed.problems:
            here.append(Problem(name, "holds no jobs", "a job begins with `apiVersion: stockjobs/v1`"))
        for document in parsed.documents:
            if document.is_sound:
                here.extend(_add(found, document, name))
        problems.extend(sorted(here, key=lambda problem: _line(problem, name)))
    if problems:
        raise InvalidInput(*problems)
    return [manifest for manifest, _ in found.values()]


def _add(found: dict[str, tuple[Manifest, str]], document: Document, name: str) -> Iterator[Problem]:
    """Validate a document and add its job to those found; yields what is wrong with it."""
    manifest, problems = _validated(document.root, name)
    yield from problems
    if manifest is None:
        return
    where = f"{name}:{node_at(document.root, ('metadata', 'name'))[1]}"
    job = manifest.metadata.name
    if job in found:
        yield Problem(f"{where}: metadata.name", f"job {job!r} is defined twice", f"first at {found[job][1]}")
    else:
        found[job] = (manifest, where)


def _line(problem: Problem, name: str) -> int:
    line = problem.where.removeprefix(f"{name}:").partition(":")[0]
    return int(line) if line.isdigit() else 0


def _validated(root: Node, name: str) -> tuple[Manifest | None, list[Problem]]:
    problems = [*_dates(root, name), *_unknown_provider(root, name)]
    document = _value(root, ())
    if isinstance(document, dict):
        # `get -o yaml` shows how a job stands; what is read back is how it is meant.
        document.pop("status", None)
    try:
        manifest = Manifest.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        return None, problems + [problem_of(detail, root, name) for detail in error.errors() if not is_echo(detail)]
    return (None if problems else manifest), problems


def _unknown_provider(root: Node, name: str) -> Iterator[Problem]:
    spec = root.entries.get("spec") if isinstance(root, Mapping) else None
    given = spec.entries.get("provider") if isinstance(spec, Mapping) else None
    if isinstance(given, Scalar):
        try:
            registry.check_name(given.text)
        except InvalidInput as error:
            for problem in error.problems:
                yield Problem(f"{name}:{given.line}: {shown_path(_PROVIDER)}", problem.message, problem.hint)


def _dates(root: Node, name: str) -> Iterator[Problem]:
    symbols, _ = node_at(root, _SYMBOLS)
    for index, item in enumerate(symbols.items if isinstance(symbols, Items) else ()):
        if isinstance(item, Scalar) and item.is_plain and _DATE.fullmatch(item.text):
            where = f"{name}:{item.line}: {shown_path((*_SYMBOLS, index))}"
            yield Problem(where, f"{item.text} is a date, not a symbol", "put it in quotes if it is meant")


def _value(node: Node, path: Path) -> Any:
    if isinstance(node, Mapping):
        return {key: _value(value, (*path, key)) for key, value in node.entries.items()}
    if isinstance(node, Items):
        return [_value(item, (*path, index)) for index, item in enumerate(node.items)]
    is_symbol = path[:-1] == _SYMBOLS
    return node.text if is_symbol or not node.is_plain else _scalar(node.text)


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


def manifest_of(name: str, spec: JobSpec, labels: dict[str, str]) -> Manifest:
    """The manifest that defines a job as it stands."""
    return Manifest(api_version="stockjobs/v1", kind="Job", metadata=Metadata(name=name, labels=labels), spec=spec)


def render(manifest: Manifest) -> str:
    """A manifest as YAML, with its defaults written out; reading it gives the same job."""
    return render_document(manifest.document())


def render_document(document: dict[str, Any]) -> str:
    """A JSON document as YAML in block style, without what is empty; nothing in it is folded."""
    dumper = YAML(typ="rt")
    dumper.width = 1 << 20
    text = io.StringIO()
    dumper.dump(_without_empty(document), text)
    return text.getvalue()


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_empty(part) for key, part in value.items() if part not in ("", [], {})}
    return [_without_empty(part) for part in value] if isinstance(value, list) else value


def ready_jobs() -> str:
    """The manifest of the four jobs that come with stockjobs, as YAML text."""
    return files("stockjobs.services").joinpath("ready_jobs.yaml").read_text(encoding="utf-8")
