"""Work that nobody defined a job for: it becomes a job of its own, named after what it asks for."""

from __future__ import annotations

from stockjobs.domain.work.jobs import API_VERSION, Concurrency, JobSpec, Manifest, Metadata, ScheduleSpec

PREFIX = "adhoc-"
LABEL = "stockjobs/adhoc"
"""Every ad-hoc job has it."""


def manifest_for(spec: JobSpec) -> Manifest:
    """The manifest of an ad-hoc job. The same definition always gets the same name, so asking twice makes one job."""
    # Whoever asks a second time does not know, nor care, that somebody asked before.
    spec = spec.model_copy(update={"schedule": ScheduleSpec(concurrency=Concurrency.ALLOW)})
    metadata = Metadata(name=f"{PREFIX}{spec.digest()[:16]}", labels={LABEL: "true"})
    return Manifest(api_version=API_VERSION, kind="Job", metadata=metadata, spec=spec)
