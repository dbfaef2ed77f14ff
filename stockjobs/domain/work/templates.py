"""Templates: a job with placeholders, and the parameters that they stand for. Rendering one is a pure function.

There is no code in a template and no expression: a value is put where its name stands, once, and is not looked into again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, Field

from stockjobs.domain.excerpts import excerpt
from stockjobs.domain.places import Fault, Path, shown_path
from stockjobs.domain.work.jobs import API_VERSION, JobSpec, Metadata, Text
from stockjobs.domain.work.parameters import MAX_CHARACTERS, Parameter, is_storable
from stockjobs.domain.work.placeholders import Json, Value, as_text, fill, keys, names_in, replaced, texts
from stockjobs.errors import InvalidInput, Problem

_TOLD = 50
"""So many wrong placeholders are told one by one, each with what may have been meant, which takes its time."""

JOB: Path = ("spec", "job")
"""Where in a template its job stands."""

NAME_LABEL = "stockjobs/template"
VERSION_LABEL = "stockjobs/template-version"
MAX_PARAMETERS = 64
MAX_RENDERED = 1 << 20
"""Characters in the texts of a rendered job: as much as is read of a file."""


class JobPart(BaseModel):
    """The job of a template: what a job's manifest has, with placeholders among its values."""

    model_config = Metadata.model_config

    metadata: dict[str, Any]
    spec: dict[str, Any]


class TemplateSpec(BaseModel):
    """What a template is: its parameters, and the job that they are put into."""

    model_config = Metadata.model_config

    description: Annotated[Text, Field(max_length=MAX_CHARACTERS)] = ""
    parameters: Annotated[tuple[Parameter, ...], Field(max_length=MAX_PARAMETERS, strict=False)] = ()
    job: JobPart


class Template(BaseModel):
    """One YAML document: a template with its name."""

    model_config = Metadata.model_config

    api_version: Literal["stockjobs/v1"]
    kind: Literal["Template"]
    metadata: Metadata
    spec: TemplateSpec

    @property
    def name(self) -> str:
        """The template's name."""
        return self.metadata.name

    @property
    def job(self) -> dict[str, Json]:
        """The job with its placeholders, as a document."""
        return {"metadata": self.spec.job.metadata, "spec": self.spec.job.spec}

    def document(self) -> dict[str, Any]:
        """The template as JSON, without what was left out of it; reading it gives the same template."""
        found = self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
        if not found["metadata"].get("labels"):
            found["metadata"].pop("labels", None)
        # Some databases forget the order of keys.
        found["spec"]["job"]["spec"] = _in_order(found["spec"]["job"]["spec"])
        return found

    def digest(self) -> str:
        """A SHA-256 of the document: it tells whether the template changed."""
        return hashlib.sha256(orjson.dumps(self.document(), option=orjson.OPT_SORT_KEYS)).hexdigest()

    def faults(self) -> Iterator[Fault]:
        """All that is wrong with the template itself; whether its job is one is not looked at here."""
        names = Counter(parameter.name for parameter in self.spec.parameters)
        used = {name for _, text in texts(self.job) for name in names_in(text)}
        for index, parameter in enumerate(self.spec.parameters):
            place: Path = ("spec", "parameters", index)
            if names[parameter.name] > 1:
                message = f"{names[parameter.name]} parameters are called {parameter.name!r}"
                yield Fault((*place, "name"), message, "give each a name of its own")
            if parameter.name not in used:
                hint = f"write ${{{parameter.name}}} in spec.job, or remove the parameter"
                yield Fault((*place, "name"), f"parameter {parameter.name!r} is used nowhere", hint)
            yield from (fault.under(place) for fault in parameter.faults())
        yield from (fault.under(JOB) for fault in self._faults_of_texts(list(names)))

    def _faults_of_texts(self, known: list[str]) -> Iterator[Fault]:
        for path, text in texts(self.job):
            if not is_storable(text):
                yield Fault(path, "holds a NUL or half a character, which no database keeps", "remove it")
        unknown = [
            (path, name)
            for path, text in texts(self.job)
            for name in dict.fromkeys(names_in(text))
            if name not in known
        ]
        for path, name in unknown[:_TOLD]:
            yield Fault(path, *_unknown_placeholder(name, known))
        if len(unknown) > _TOLD:
            yield Fault(
                (), f"{len(unknown) - _TOLD:,} placeholders more are no parameters", "begin with the first ones"
            )
        for path, key in keys(self.job):
            if names_in(key) or not is_storable(key):
                yield Fault(path, f"the key {excerpt(key)} cannot be filled in", "placeholders stand in values only")

    def defaults(self) -> dict[str, Value]:
        """The values of the parameters that have a usable default."""
        return {
            one.name: one.value(one.default)
            for one in self.spec.parameters
            if one.has_default and not any(one.faults_of(one.default))
        }

    def faults_of(self, values: Mapping[str, object]) -> Iterator[Fault]:
        """All that is wrong with the values that somebody gives; a path begins with the parameter's name."""
        known = [parameter.name for parameter in self.spec.parameters]
        for name in values:
            if name not in known:
                yield Fault((name,), f"template {self.name!r} has no such parameter", _meant(name, known))
        for parameter in self.spec.parameters:
            if parameter.name in values:
                yield from (fault.under((parameter.name,)) for fault in parameter.faults_of(values[parameter.name]))
            elif not parameter.has_default:
                told = parameter.description.partition("\n")[0]
                hint = f"it is a {parameter.type}{f': {told}' if told else ''}"
                yield Fault((parameter.name,), "needs a value", hint)

    def filled(self, values: Mapping[str, object]) -> dict[str, Value]:
        """The values of all parameters: those given, which have no faults, and the defaults of the others."""
        given = {one.name: one.value(values[one.name]) for one in self.spec.parameters if one.name in values}
        return {**self.defaults(), **given}


def render(template: Template, values: Mapping[str, object], version: int | None = None) -> dict[str, Json]:
    """The manifest of the job that a template gives with these values, as a document that has yet to be checked as a job.

    Its labels say which template and version it comes from. Raises InvalidInput with all that is wrong with the values, each at
    the name of its parameter.
    """
    faults = list(template.faults_of(values))
    if faults:
        raise InvalidInput(*(Problem(shown_path(fault.path), fault.message, fault.hint) for fault in faults))
    filled = template.filled(values)
    size = sum(
        len(text) + sum(len(as_text(filled[name])) for name in names_in(text)) for _, text in texts(template.job)
    )
    if size > MAX_RENDERED:
        message = f"the job would have {size:,} characters, at most {MAX_RENDERED:,} are allowed"
        raise InvalidInput.because(template.name, message, "give shorter values")
    return _labelled(sketch(template.job, filled), template.name, version)


def sketch(job: dict[str, Json], values: Mapping[str, Value]) -> dict[str, Json]:
    """The manifest of a template's job as far as values are known; other placeholders stay as they are."""
    return {"apiVersion": API_VERSION, "kind": "Job", **{key: _filled(part, values) for key, part in job.items()}}


def unfilled(job: dict[str, Json], values: Mapping[str, Value]) -> list[Path]:
    """The paths to what cannot be judged before more values are known."""
    return [path for path, text in texts(job) if not set(names_in(text)) <= values.keys()]


def _filled(part: Json, values: Mapping[str, Value]) -> Json:
    return replaced(part, lambda text: _as_json(fill(text, values)))


def _as_json(value: Value) -> Json:
    return list(value) if isinstance(value, list) else value


def _labelled(document: dict[str, Json], name: str, version: int | None) -> dict[str, Json]:
    metadata = document["metadata"]
    assert isinstance(metadata, dict)
    own = metadata.get("labels", {})
    if not isinstance(own, dict):
        # Checking the job tells what is wrong with them.
        return document
    labels: dict[str, Json] = {**own, NAME_LABEL: name}
    if version is not None:
        labels[VERSION_LABEL] = str(version)
    return {**document, "metadata": {**metadata, "labels": labels}}


def _unknown_placeholder(name: str, known: list[str]) -> tuple[str, str]:
    if not name:
        return "a placeholder has no name or no end", "write ${name}, or $${ for ${ itself"
    return f"${{{name[:60]}}} is not a parameter", _meant(name, known)


def _meant(name: str, known: list[str]) -> str:
    near = get_close_matches(name[:100].strip(), known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"known here: {', '.join(known)}" if known else "the template has no parameters"


def _in_order(spec: dict[str, Any]) -> dict[str, Any]:
    order = {field.alias or name: place for place, (name, field) in enumerate(JobSpec.model_fields.items())}
    return dict(sorted(spec.items(), key=lambda entry: order.get(entry[0], len(order))))
