"""Reading templates beside jobs: what is refused, and where it is said to stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockjobs.errors import InvalidInput
from stockjobs.services.documents import manifests
from stockjobs.services.work.templates import render

EXAMPLES = sorted((Path(__file__).parents[4] / "examples" / "templates").glob("*.yaml"))

HEAD = "apiVersion: stockjobs/v1\nkind: Template\nmetadata: {name: daily}\nspec:\n  parameters:\n"
JOB = "  job:\n    metadata: {name: 'bars-${market}'}\n    spec:\n"
MARKET = "  - {name: market, type: string}\n"
USE = "      type: marketdata\n      symbols: [AAPL]\n"


def template(parameters: str = MARKET, spec: str = USE) -> str:
    return HEAD + parameters + JOB + spec


def refusals(*contents: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        manifests.read_all([(f"{number}.yaml", content) for number, content in enumerate(contents)])
    return [str(problem) for problem in caught.value.problems]


def refusal(*contents: str) -> str:
    (only,) = refusals(*contents)
    return only


def test_templates_and_jobs_stand_side_by_side() -> None:
    job = "apiVersion: stockjobs/v1\nkind: Job\nmetadata: {name: daily}\nspec: {type: marketdata, symbols: [A]}\n"
    found = manifests.read_all([("a.yaml", f"{template()}---\n{job}")])
    assert [one.name for one in found.templates] == ["daily"]
    assert [one.metadata.name for one in found.jobs] == ["daily"]


def test_a_template_defined_twice_is_refused() -> None:
    assert refusal(template(), template()) == (
        "1.yaml:3: metadata.name: template 'daily' is defined twice (first at 0.yaml:3)"
    )


@pytest.mark.parametrize(
    ("parameters", "spec", "told"),
    [
        (
            "  - {name: market, type: string, patern: x}\n",
            USE,
            "0.yaml:6: spec.parameters[0].patern: is not a field of a template (did you mean pattern?)",
        ),
        ("  - {name: market, type: text}\n", USE, "0.yaml:6: spec.parameters[0].type: 'text' is not one of string,"),
        ("  - {name: 1st, type: string}\n", USE, "0.yaml:6: spec.parameters[0].name: '1st' is not a name"),
        (
            MARKET,
            "      symbols: [AAPL]\n",
            "0.yaml:9: spec.job.spec.type: is required (docs/jobs.md lists the fields)",
        ),
        (
            MARKET,
            f"{USE}      batchSiz: 5\n",
            "0.yaml:12: spec.job.spec.batchSiz: is not a field of a job (did you mean",
        ),
        (MARKET, f"{USE}      batchSize: 501\n", "0.yaml:12: spec.job.spec.batchSize: input should be less than"),
        (MARKET, f"{USE}      provider: yaho\n", "0.yaml:12: spec.job.spec.provider: there is no provider 'yaho'"),
        (MARKET, f"{USE}      description: ${{markt}}\n", "0.yaml:12: spec.job.spec.description: ${markt} is not a"),
        (
            MARKET,
            f"{USE}      batchSize: '${{market}}'\n      tag: [x]\n",
            "0.yaml:13: spec.job.spec.tag: is not a field",
        ),
        (MARKET, USE.replace("AAPL", "2024-01-01"), "0.yaml:11: spec.job.spec.symbols[0]: 2024-01-01 is a date"),
        (
            MARKET,
            USE.replace("AAPL", "\n        'A',\n        a/b"),
            "0.yaml:13: spec.job.spec.symbols[1]: 'a/b' is a path",
        ),
    ],
)
def test_a_problem_is_told_where_it_stands_in_the_template(parameters: str, spec: str, told: str) -> None:
    assert refusal(template(parameters, spec)).startswith(told)


def test_problems_of_the_template_and_of_its_job_are_told_together() -> None:
    told = refusals(template("  - {name: market, type: string, patern: x}\n", f"{USE}      mode: sometimes\n"))
    assert [one.split(":")[1] for one in told] == ["6", "12"]


def test_a_job_that_the_defaults_make_invalid_is_refused() -> None:
    parameters = "  - {name: market, type: string, default: us}\n  - {name: batch, type: integer, default: 700}\n"
    told = refusal(template(parameters, f"{USE}      batchSize: ${{batch}}\n"))
    assert told == "0.yaml:13: spec.job.spec.batchSize: input should be less than or equal to 500, not 700"


def test_what_depends_on_a_value_that_is_to_come_is_not_judged() -> None:
    parameters = f"{MARKET}  - {{name: zone, type: string}}\n"
    spec = f"{USE}      schedule:\n        cron: 0 18 * * *\n        timeZone: ${{zone}}\n"
    assert len(manifests.read_all([("a", template(parameters, spec))]).templates) == 1


def test_the_texts_of_a_list_are_taken_as_they_are_written() -> None:
    parameters = f"{MARKET}  - {{name: symbols, type: list, default: [ON, TRUE, 0123, 1e5]}}\n"
    (found,) = manifests.read_all(
        [("a", template(parameters, "      type: marketdata\n      symbols: ${symbols}\n"))]
    ).templates
    assert found.defaults() == {"symbols": ["ON", "TRUE", "0123", "1e5"]}
    assert render(found, {"market": "us"}).manifest.spec.symbols == ("ON", "TRUE", "0123", "1E5")


def test_a_kind_that_is_neither_is_told_with_both() -> None:
    assert (
        "kind: 'Templat' is not known (it has to be 'Job' or 'Template')"
        in refusals(template().replace("kind: Template", "kind: Templat"))[0]
    )


def test_a_document_without_a_job_is_told() -> None:
    assert refusal(HEAD + MARKET) == "0.yaml:4: spec.job: is required (docs/templates.md lists the fields)"


def test_what_is_rendered_reads_back_as_the_same_job() -> None:
    parameters = f"{MARKET}  - {{name: note, type: string}}\n"
    (found,) = manifests.read_all([("a", template(parameters, f"{USE}      description: ${{note}}\n"))]).templates
    for note in (
        "true",
        "0123",
        "1e5",
        "~",
        "",
        " x ",
        "a: b",
        "- c",
        "x\ny\n",
        "'",
        '"',
        "# no",
        "2024-01-01",
        "é…",
        "${x}",
    ):
        rendered = render(found, {"market": "us", "note": note})
        (again,) = manifests.read(manifests.dump(rendered.document))
        assert again == rendered.manifest
        assert again.spec.description == note


def test_a_job_that_cannot_be_is_told_at_its_place_in_the_template() -> None:
    (found,) = manifests.read_all([("a", template())]).templates
    with pytest.raises(
        InvalidInput, match=r"^template/daily: spec\.job\.metadata\.name: 'bars-a b' is not a job's name"
    ):
        render(found, {"market": "a b"})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_survives_being_written(path: Path) -> None:
    for one in manifests.read_all([(path.name, path.read_bytes())]).templates:
        (again,) = manifests.read_all([("again", manifests.dump(one.document()))]).templates
        assert again == one


def test_values_are_read_with_their_places() -> None:
    values, places = manifests.read_values("market: us\nbatch: 5\nsymbols:\n- ON\n- 0123\n", "values.yaml")
    assert values == {"market": "us", "batch": 5, "symbols": ["ON", "0123"]}
    assert places["symbols"] == "values.yaml:3: symbols"


@pytest.mark.parametrize("content", ["", "- a\n", "a: 1\n---\nb: 2\n", "text"])
def test_values_have_to_be_one_mapping(content: str) -> None:
    with pytest.raises(InvalidInput, match=r"^values\.yaml: is not one mapping of values"):
        manifests.read_values(content, "values.yaml")
