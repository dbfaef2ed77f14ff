"""Rescheduling: the definition of a job with another schedule, from the few words that say what is to be different."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from stockjobs.domain.work.jobs import JobSpec
from stockjobs.errors import InvalidInput
from stockjobs.services.documents.problems import is_echo, problem_without_file

_RULES = ("cron", "interval", "once", "session")
_OF_A_RULE = ("calendar", "not_before", "not_after", "limit", "jitter")
MANUAL: Mapping[str, object] = dict.fromkeys(_RULES)
"""The change that makes a job due no more, but when it is triggered."""


def rescheduled(spec: JobSpec, changes: Mapping[str, object]) -> JobSpec:
    """The definition with some fields of its schedule changed, in the words of `ScheduleSpec`; None removes one.

    A rule takes the place of the one before; the calendar of a session rule goes with it. All else stays. Raises InvalidInput.
    """
    before = spec.schedule.model_dump(mode="json", exclude_none=True)
    dropped = set(changes)
    if dropped & set(_RULES):
        dropped |= {*_RULES, "calendar"} if spec.schedule.session is not None else set(_RULES)
    if all(rule in changes and changes[rule] is None for rule in _RULES):
        dropped |= set(_OF_A_RULE)
    kept = {name: value for name, value in before.items() if name not in dropped}
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        return JobSpec.model_validate({**spec.document(), "enabled": spec.enabled, "schedule": {**kept, **given}})
    except ValidationError as error:
        details = [detail for detail in error.errors() if not is_echo(detail)]
        raise InvalidInput(*map(problem_without_file, details)) from None
