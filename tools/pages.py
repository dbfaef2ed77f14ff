"""Generates what can be generated of the documentation: `python -m tools.pages` writes it, a test fails where it is stale.

docs/settings.md is generated whole; in docs/cli.md and docs/jobs.md what stands below the marker is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import typer

from stockjobs.cli.config import text_of, unit_of
from stockjobs.cli.exits import ExitCode
from stockjobs.cli.root import VERBS, load
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.jobs import Manifest
from stockjobs.services.documents.manifests import ready_jobs
from stockjobs.settings import Settings, variables

DOCS = Path(__file__).parents[1] / "docs"
MARKER = "<!-- Generated below by `python -m tools.pages`: change the source, not the page. -->"

_SETTINGS_HEAD = f"""# Settings

{MARKER}

Settings are read once when a process starts, checked, and then frozen. A setting is taken from the first place that has it:

1. an option such as `stockctl --database-url`,
2. the environment: `STOCKJOBS_NAME`, or the short variable where one is listed; a variable with `_FILE` behind its name
   (`DATABASE_URL_FILE`) names a file that holds the value, as container platforms mount secrets,
3. the TOML file that `STOCKJOBS_CONFIG` names, or `stockjobs.toml` in the working folder (`lane_window = 128`),
4. the default.

`stockctl config` lists them as they stand, with where each comes from; passwords are masked. An unknown setting or a
`STOCKJOBS_` variable that is none is refused.

| setting | variables | unit | default | what it is |
|---|---|---|---|---|"""


def settings_page() -> str:
    """docs/settings.md."""
    rows = [
        f"| `{name}` | {_code(variables(name))} | {unit_of(name) or '–'} | {_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join([_SETTINGS_HEAD, *rows, ""])


def _default(value: object) -> str:
    return f"`{text_of(value)}`" if text_of(value) else "empty"


def _code(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def cli_reference() -> str:
    """The generated part of docs/cli.md: the exit codes and the help of every verb."""
    lines = ["## Exit codes", "", "| code | name |", "|---|---|"]
    lines += [f"| {code.value} | {code.name.lower().replace('_', ' ')} |" for code in ExitCode]
    for name in VERBS:
        lines += ["", f"## stockctl {name}", "", "```text", help_of(name), "```"]
    return "\n".join([*lines, ""])


def help_of(name: str, width: int = 100) -> str:
    """The help of a verb and of the verbs under it, on a terminal so wide."""
    command = load(name)
    verbs = {name: command} | {f"{name} {word}": sub for word, sub in getattr(command, "commands", {}).items()}
    return "\n\n".join(_help(verb, f"stockctl {path}", width) for path, verb in verbs.items())


def _help(command: typer.core.TyperCommand, path: str, width: int) -> str:
    with command.make_context(
        path, [], resilient_parsing=True, terminal_width=width, max_content_width=width
    ) as context:
        return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


def jobs_reference() -> str:
    """The generated part of docs/jobs.md: a whole example."""
    words = ", ".join(f"`{interval}`" for interval in Interval)
    return f"Intervals: {words}.\n\nThe four jobs that come ready:\n\n```yaml\n{ready_jobs()}```\n"


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "cli.md": cli_reference,
    "jobs.md": jobs_reference,
}


def expected(name: str) -> str:
    """The page as it should be: what is written by hand, as it is, and what is generated, anew."""
    made = PAGES[name]()
    if MARKER in made:
        return made
    by_hand = (DOCS / name).read_text(encoding="utf-8").partition(MARKER)[0]
    return f"{by_hand}{MARKER}\n\n{made}"


def fields_of_a_job() -> Iterator[str]:
    """Every field of a manifest as the page has to name it: `spec.schedule.cron`."""
    schema = Manifest.model_json_schema(by_alias=True)
    yield from _fields(schema, schema["$defs"], "")


def _fields(model: dict[str, object], models: dict[str, dict[str, object]], path: str) -> Iterator[str]:
    properties = model.get("properties")
    for name, field in properties.items() if isinstance(properties, dict) else ():
        inner = models.get(str(field.get("$ref", "")).rpartition("/")[2], {})
        if "properties" in inner:
            yield from _fields(inner, models, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def main() -> None:
    """Write every page."""
    for name in PAGES:
        (DOCS / name).write_text(expected(name), encoding="utf-8")


if __name__ == "__main__":
    main()
