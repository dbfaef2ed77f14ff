"""What applying something does to it, in lines."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from stockjobs.services.documents.manifests import dump, manifest_of, render
from stockjobs.services.work.administration import Applied
from stockjobs.services.work.templates import AppliedTemplate
from stockjobs.store.ledger.definitions import Job
from stockjobs.store.ledger.templates import StoredTemplate


def name_of(applied: Applied | AppliedTemplate) -> str:
    """What was applied, as `kind/NAME`."""
    kind = "template" if isinstance(applied, AppliedTemplate) else "job"
    return f"{kind}/{applied.after.name}"


def differences(applied: Applied | AppliedTemplate) -> Iterator[str]:
    """The lines of a unified diff, from what was stored to what the manifest says; none if they are alike."""
    name = name_of(applied).removeprefix("job/")
    before, after = _lines(applied.before), _lines(applied.after)
    return difflib.unified_diff(before, after, f"stored/{name}", f"manifest/{name}", lineterm="")


def _lines(thing: Job | StoredTemplate | None) -> list[str]:
    if thing is None:
        return []
    if isinstance(thing, StoredTemplate):
        return dump(thing.template.document()).splitlines()
    spec = thing.spec.model_copy(update={"enabled": thing.enabled})
    return render(manifest_of(thing.name, spec, thing.labels)).splitlines()
