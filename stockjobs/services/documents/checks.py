"""What is wrong with a document as a job or as a template; a job that is rendered is checked as one that is read."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from stockjobs.domain.places import Fault, Path
from stockjobs.domain.work.jobs import Manifest
from stockjobs.domain.work.placeholders import Json
from stockjobs.domain.work.templates import JOB, Template, sketch, unfilled
from stockjobs.errors import InvalidInput
from stockjobs.providers import registry
from stockjobs.services.documents.problems import IN_JOB, IN_TEMPLATE, faults_of

_PROVIDER: Path = ("spec", "provider")


def check_job(document: object) -> tuple[Manifest | None, list[Fault]]:
    """The job that a document defines, or all that is wrong with it."""
    faults = _unknown_provider(document)
    try:
        manifest = Manifest.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        return None, faults + faults_of(error, IN_JOB)
    return (None if faults else manifest), faults


def check_template(document: object) -> tuple[Template | None, list[Fault]]:
    """The template that a document defines, or all that is wrong with it and, as far as its defaults reach, with its job."""
    try:
        template = Template.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        return None, faults_of(error, IN_TEMPLATE) + _faults_of_job(_job_in(document), {})
    faults = [*template.faults(), *_faults_of_job(template.job, template.defaults())]
    return (None if faults else template), faults


def _faults_of_job(job: dict[str, Json] | None, values: dict[str, Any]) -> list[Fault]:
    if job is None:
        return []
    open_places = unfilled(job, values)
    _, faults = check_job(sketch(job, values))
    return [
        fault.under(JOB)
        for fault in faults
        if fault.is_of_key or not any(_touch(fault.path, place) for place in open_places)
    ]


def _touch(one: Path, other: Path) -> bool:
    """True if one path leads to, or through, what the other leads to."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _job_in(document: object) -> dict[str, Json] | None:
    """The job of a template that is none otherwise, if it has the parts of a job and no others."""
    spec = document.get("spec") if isinstance(document, dict) else None
    job = spec.get("job") if isinstance(spec, dict) else None
    is_whole = isinstance(job, dict) and {key for key, part in job.items() if isinstance(part, dict)} == {
        "metadata",
        "spec",
    }
    return job if is_whole else None


def _unknown_provider(document: object) -> list[Fault]:
    spec = document.get("spec") if isinstance(document, dict) else None
    given = spec.get("provider") if isinstance(spec, dict) else None
    if isinstance(given, str):
        try:
            registry.check_name(given)
        except InvalidInput as error:
            return [Fault(_PROVIDER, problem.message, problem.hint) for problem in error.problems]
    return []
