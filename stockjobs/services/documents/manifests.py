"""Manifests: YAML text to jobs and templates, telling by file, line and field all that is wrong with it, and back to YAML."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML

from stockjobs.domain.places import Fault, Path
from stockjobs.domain.work.jobs import JobSpec, Manifest, Metadata
from stockjobs.domain.work.templates import JOB, Template
from stockjobs.errors import InvalidInput, Problem
from stockjobs.services.documents.checks import check_job, check_template
from stockjobs.services.documents.problems import located
from stockjobs.services.documents.yaml_documents import Document, Items, Mapping, Node, Scalar, node_at, parse
from stockjobs.services.documents.yaml_values import value_of

_SYMBOLS: Path = ("spec", "symbols")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?")
_PARAMETERS: Path = ("spec", "parameters")


@dataclass
class Manifests:
    """What files define: jobs and templates in their order, and where each of them stands."""

    jobs: list[Manifest] = field(default_factory=list)
    templates: list[Template] = field(default_factory=list)
    _found: dict[tuple[str, str], tuple[str, Node]] = field(default_factory=dict)

    def located(self, template: Template, fault: Fault) -> Problem:
        """A fault of a template at its place in its file."""
        file, root = self._found["template", template.name]
        return located(fault, root, file)

    def place_of(self, job: str, path: Path) -> str:
        """Where a field of a job stands: its file and its line, and the field."""
        file, root = self._found["job", job]
        return located(Fault(path, ""), root, file).where

    def placed(self, problem: Problem) -> Problem:
        """A problem that begins with its job (`NAME: spec.schedule`), at its place in the job's file."""
        job, _, field_path = problem.where.partition(": ")
        if ("job", job) not in self._found:
            return problem
        steps = re.findall(r"[^.\[\]]+", field_path)
        path = tuple(int(step) if step.isdigit() else step for step in steps)
        return replace(problem, where=self.place_of(job, path))

    def add(self, document: Document, file: str) -> Iterator[Problem]:
        """Check a document and keep what it defines; yields what is wrong with it."""
        root = document.root
        found, faults = _checked(root)
        for fault in faults:
            yield located(fault, root, file)
        if found is not None:
            kind, name = found.kind.lower(), found.metadata.name
            where = _where(root, file)
            if (kind, name) in self._found:
                other, at = self._found[kind, name]
                yield Problem(
                    f"{where}: metadata.name", f"{kind} {name!r} is defined twice", f"first at {_where(at, other)}"
                )
                return
            self._found[kind, name] = file, root
            if isinstance(found, Manifest):
                self.jobs.append(found)
            else:
                self.templates.append(found)


def read(content: bytes | str, name: str = "manifest") -> list[Manifest]:
    """The jobs of one YAML text. Raises InvalidInput with every problem; then none of its jobs is to be used."""
    return read_all([(name, content)]).jobs


def read_all(sources: Iterable[tuple[str, bytes | str]]) -> Manifests:
    """What several files (name, content) define. Raises InvalidInput with every problem of every file."""
    found = Manifests()
    problems: list[Problem] = []
    for name, content in sources:
        parsed = parse(content, name)
        here = list(parsed.problems)
        if not parsed.documents and not parsed.problems:
            here.append(Problem(name, "holds no jobs", "a job begins with `apiVersion: stockjobs/v1`"))
        for document in parsed.documents:
            if document.is_sound:
                here.extend(found.add(document, name))
        problems.extend(sorted(here, key=lambda problem: _line(problem, name)))
    if problems:
        raise InvalidInput(*problems)
    return found


def _where(root: Node, file: str) -> str:
    return f"{file}:{node_at(root, ('metadata', 'name'))[1]}"


def _line(problem: Problem, name: str) -> int:
    line = problem.where.removeprefix(f"{name}:").partition(":")[0]
    return int(line) if line.isdigit() else 0


def _checked(root: Node) -> tuple[Manifest | Template | None, list[Fault]]:
    is_template = _is_template(root)
    dates = list(_dates(root, (*JOB, *_SYMBOLS) if is_template else _SYMBOLS))
    document = value_of(root, _is_word_of_template if is_template else _is_word_of_job)
    if isinstance(document, dict):
        # `get -o yaml` shows how a job stands; what is read back is how it is meant.
        document.pop("status", None)
    found: Manifest | Template | None
    found, faults = check_template(document) if is_template else check_job(document)
    return (None if dates else found), dates + faults


def _is_template(root: Node) -> bool:
    kind = root.entries.get("kind") if isinstance(root, Mapping) else None
    return isinstance(kind, Scalar) and kind.text == "Template"


def _is_word_of_job(path: Path) -> bool:
    return path[:-1] == _SYMBOLS


def _is_word_of_template(path: Path) -> bool:
    """True for the symbols of the job, and for the texts in a list that is a parameter's default."""
    is_in_default = path[:2] == _PARAMETERS and path[3:4] == ("default",) and len(path) > 4
    return is_in_default or path[:-1] == (*JOB, *_SYMBOLS)


def _dates(root: Node, path: Path) -> Iterator[Fault]:
    symbols, _ = node_at(root, path)
    for index, item in enumerate(symbols.items if isinstance(symbols, Items) else ()):
        if isinstance(item, Scalar) and item.is_plain and _DATE.fullmatch(item.text):
            hint = "put it in quotes if it is meant"
            yield Fault((*path, index), f"{item.text} is a date, not a symbol", hint)


def read_values(content: bytes | str, file: str) -> tuple[dict[str, object], dict[str, str]]:
    """The values that a YAML mapping gives to the parameters of a template, and where each stands. Raises InvalidInput."""
    parsed = parse(content, file)
    problems = list(parsed.problems)
    if not problems and (len(parsed.documents) != 1 or not isinstance(parsed.documents[0].root, Mapping)):
        problems.append(
            Problem(file, "is not one mapping of values", "such as `market: us`, a line for each parameter")
        )
    if problems:
        raise InvalidInput(*problems)
    root = parsed.documents[0].root
    assert isinstance(root, Mapping)
    # The texts in a list are taken as they are written, as symbols are everywhere.
    values = value_of(root, lambda path: len(path) > 1)
    return values, {name: f"{file}:{line}: {name[:60]}" for name, line in root.lines.items()}


def manifest_of(name: str, spec: JobSpec, labels: dict[str, str]) -> Manifest:
    """The manifest that defines a job as it stands."""
    return Manifest(api_version="stockjobs/v1", kind="Job", metadata=Metadata(name=name, labels=labels), spec=spec)


def render(manifest: Manifest) -> str:
    """A manifest as YAML, with its defaults written out; reading it gives the same job."""
    return render_document(manifest.document())


def render_document(document: dict[str, Any]) -> str:
    """A JSON document as YAML in block style, without what is empty; nothing in it is folded."""
    return dump(_without_empty(document))


def dump(document: dict[str, Any]) -> str:
    """A JSON document as YAML in block style, with what is empty."""
    dumper = YAML(typ="rt")
    dumper.width = 1 << 20
    text = io.StringIO()
    dumper.dump(document, text)
    return text.getvalue()


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_empty(part) for key, part in value.items() if part not in ("", [], {})}
    return [_without_empty(part) for part in value] if isinstance(value, list) else value


def ready_jobs() -> str:
    """The manifest of the four jobs that come with stockjobs, as YAML text."""
    return files("stockjobs.services.documents").joinpath("ready_jobs.yaml").read_text(encoding="utf-8")
