"""Reading manifests: what is accepted, and what each kind of bad input gets. The numbers are those of the list of bad inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockjobs.domain.work.jobs import Manifest
from stockjobs.errors import InvalidInput
from stockjobs.services.documents import manifests, yaml_documents

EXAMPLES = sorted((Path(__file__).parents[4] / "examples").glob("*.yaml"))


def job(spec: str = "type: marketdata, symbols: [AAPL]", name: str = "prices") -> str:
    return f"apiVersion: stockjobs/v1\nkind: Job\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"


def symbols(text: str) -> tuple[str, ...]:
    return manifests.read(job(f"type: marketdata, symbols: {text}"))[0].spec.symbols


def refusals(content: str | bytes) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        manifests.read(content, "jobs.yaml")
    return [str(problem) for problem in caught.value.problems]


def refusal(content: str | bytes) -> str:
    (only,) = refusals(content)
    return only


@pytest.mark.parametrize("content", ["", "\n", "# nothing\n", "---\n---\n"])
def test_a_file_without_a_document_holds_no_jobs(content: str) -> None:  # 1
    assert refusal(content).startswith("jobs.yaml: holds no jobs")


def test_a_tag_is_refused_where_it_stands() -> None:  # 2
    text = job().replace("name: prices", "name: !!python/object:os.system prices")
    assert refusal(text).startswith("jobs.yaml:3: metadata.name: 'tag:yaml.org,2002:python/object:os.system' is a tag")


def test_anchors_and_aliases_are_refused_before_they_are_expanded() -> None:  # 3
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    told = refusals(bomb)
    assert [text.partition(" (")[0] for text in told] == [
        "jobs.yaml:1: a: &a is an anchor",
        "jobs.yaml:2: b: &b is an anchor",
        "jobs.yaml:2: b[0]: *a is an alias",
        "jobs.yaml:2: b[1]: *a is an alias",
        "jobs.yaml:3: c[0]: *b is an alias",
        "jobs.yaml:3: c[1]: *b is an alias",
    ]


def test_a_merge_key_is_no_field() -> None:  # 3
    assert "spec.<<: is not a field of a job" in refusal(job("type: marketdata, symbols: [A], <<: {mode: backfill}"))


def test_five_hundred_levels_are_refused() -> None:  # 4
    assert "is nested deeper than 20 levels" in refusal("[" * 500)


def test_a_key_given_twice_is_refused_with_both_lines() -> None:  # 5
    text = job().replace("kind: Job\n", "kind: Job\nkind: Job\n")
    assert refusal(text) == "jobs.yaml:3: kind: is given twice (it stands on line 2 already; keep one of them)"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (
            "type: marketdata, symbols: [A], prioritty: low",
            "spec.prioritty: is not a field of a job (did you mean priority?)",
        ),
        (
            "type: marketdata, symbols: [A], batch_size: 5",
            "spec.batch_size: is not a field of a job (did you mean batchSize?)",
        ),
        ("type: marketdata, tickers: [A]", "spec.tickers: is not a field of a job (did you mean symbols?)"),
        (
            "type: marketdata, cron: '* * * * *'",
            "spec.cron: is not a field of a job (it belongs at spec.schedule.cron)",
        ),
        (
            "type: marketdata, retry: {zzz: 1}",
            "spec.retry.zzz: is not a field of a job (known here: initial, factor, cap, maxRetries, jitter)",
        ),
    ],
)
def test_an_unknown_key_is_told_with_what_was_meant(spec: str, told: str) -> None:  # 6
    assert refusal(job(spec)) == f"jobs.yaml:4: {told}"


def test_each_wrong_rule_is_told_at_its_own_line() -> None:
    rules = "\n  zero-volum: hold\n  jump: hold\n  duplicate-time: off\n  zero-volume: perhaps\n  5: hold\n"
    told = refusals(
        "apiVersion: stockjobs/v1\nkind: Job\nmetadata: {name: prices}\nspec:\n  type: marketdata\n"
        + ("  symbols: [AAPL]\n  validation:" + rules.replace("\n  ", "\n    "))
    )
    assert [text.partition(" (")[0] for text in told] == [
        "jobs.yaml:8: spec.validation.zero-volum: 'zero-volum' is not a rule",
        "jobs.yaml:10: spec.validation.duplicate-time: duplicate-time cannot be switched: what breaks it cannot be stored",
        "jobs.yaml:11: spec.validation.zero-volume: 'perhaps' is not what zero-volume can do",
        "jobs.yaml:12: spec.validation.5: '5' is not a rule",
    ]


def test_words_that_yaml_may_take_for_truths_are_symbols() -> None:  # 7
    assert symbols("[ON, NO, true, YES, null, Y]") == ("ON", "NO", "TRUE", "YES", "NULL", "Y")


def test_a_plain_date_is_no_symbol_and_a_quoted_one_is_taken_at_its_word() -> None:  # 8
    assert "spec.symbols[0]: 2024-01-01 is a date, not a symbol" in refusal(
        job("type: marketdata, symbols: [2024-01-01]")
    )
    assert symbols("['2024-01-01']") == ("2024-01-01",)


def test_a_time_is_no_symbol_and_no_number() -> None:  # 9
    assert "spec.symbols[0]: '12:30:45' is not a symbol" in refusal(job("type: marketdata, symbols: [12:30:45]"))
    assert "a whole number was expected, not '12:30'" in refusal(
        job("type: marketdata, symbols: [A], batchSize: 12:30")
    )


def test_numbers_among_symbols_keep_their_digits() -> None:  # 10
    assert symbols("[0123, 1e5, 600000, 0x1F]") == ("0123", "1E5", "600000", "0X1F")


def test_a_leading_zero_is_no_number() -> None:  # 10
    assert "spec.batchSize: a whole number was expected, not '010'" in refusal(
        job("type: marketdata, symbols: [A], batchSize: 010")
    )


def test_a_day_that_does_not_exist_is_told() -> None:  # 11
    text = job("type: marketdata, mode: backfill, symbols: [A], window: {start: 2024-02-30}")
    assert "spec.window.start: '2024-02-30T00:00:00Z' is not a possible instant" in refusal(text)


def test_an_integer_of_five_thousand_digits_is_refused_in_a_short_line() -> None:  # 12
    told = refusal(job(f"type: marketdata, symbols: [A], batchSize: {'9' * 5000}"))
    assert "spec.batchSize: a whole number was expected" in told
    assert len(told) < 200


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_understood(encoding: str) -> None:  # 13
    assert manifests.read(job().encode(encoding))[0].metadata.name == "prices"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"kind: Job\nname: \xff\n", "jobs.yaml:2: is not UTF-8 text"),
        (b"kind: J\x00b\n", "jobs.yaml: is not YAML: it holds the character 0"),
        (b"kind:\n\t- a\n", "jobs.yaml:2: is not YAML: found character '\\t'"),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, told: str) -> None:  # 13
    assert refusal(content).startswith(told)


def test_of_two_documents_a_bad_one_refuses_both() -> None:  # 14
    assert len(manifests.read(job() + "---\n" + job(name="other"))) == 2
    assert refusal(job() + "---\n" + job("type: nothing, symbols: [A]", "other")).startswith("jobs.yaml:9: spec.type")


def test_the_same_name_twice_is_refused_also_across_files() -> None:  # 15
    with pytest.raises(
        InvalidInput, match=r"b\.yaml:3: metadata\.name: job 'prices' is defined twice \(first at a\.yaml:3\)"
    ):
        manifests.read_all([("a.yaml", job()), ("b.yaml", job())])


def test_a_hundred_thousand_symbols_are_refused() -> None:  # 16
    many = ", ".join(f"S{number}" for number in range(100_000))
    assert "the file holds more than 25,000 values" in refusal(job(f"type: marketdata, symbols: [{many}]"))


def test_more_symbols_than_a_job_may_have_are_refused() -> None:  # 16
    many = ", ".join(f"S{number}" for number in range(10_001))
    assert "spec.symbols: has 10001 entries, at most 10,000 are allowed" in refusal(
        job(f"type: marketdata, symbols: [{many}]")
    )


def test_more_than_a_mebibyte_is_not_read() -> None:  # 16
    assert refusal(b"#" * (yaml_documents.MAX_BYTES + 1)).startswith("jobs.yaml: has 1,024 KiB, at most 1,024 KiB")


@pytest.mark.parametrize(
    ("given", "told"),
    [("[]", "the list is empty"), ("", "is empty, a list was expected"), ("AAPL", "a list was expected")],
)
def test_symbols_have_to_be_a_list_with_something_in_it(given: str, told: str) -> None:  # 17
    assert f"spec.symbols: {told}" in refusal(job(f"type: marketdata, symbols: {given}"))


@pytest.mark.parametrize("given", [".nan", "1e999", "-.inf"])
def test_a_number_that_is_none_is_refused(given: str) -> None:  # 18
    assert "spec.retry.factor: a finite number was expected" in refusal(
        job(f"type: marketdata, symbols: [A], retry: {{factor: {given}}}")
    )


def test_an_unknown_provider_is_told_with_the_nearest() -> None:  # 19
    assert refusal(job("type: marketdata, symbols: [A], provider: yaho")) == (
        "jobs.yaml:4: spec.provider: there is no provider 'yaho' (did you mean yahoo?)"
    )


def test_all_problems_of_a_file_are_told_in_the_order_of_their_lines() -> None:
    text = (
        "apiVersion: stockjobs/v1\nkind: Jobs\nmetadata:\n  name: a b\nspec:\n  type: marketdata\n"
        "  symbols:\n  - AAPL\n  - ../etc/passwd\n  schedule:\n    cron: 60 * * * *\n  provider: nowhere\n"
    )
    assert [told.split(":")[1] for told in refusals(text)] == ["2", "4", "9", "11", "12"]


def test_a_problem_names_its_own_line_inside_a_list() -> None:
    text = job().replace("[AAPL]", "[AAPL,\n  MSFT,\n  a/b]")
    assert refusal(text).startswith("jobs.yaml:6: spec.symbols[2]: 'a/b' is a path")


def test_a_missing_field_is_told_at_its_parent() -> None:
    assert refusal(job("symbols: [A]")).startswith("jobs.yaml:4: spec.type: is required")


def test_the_status_that_get_shows_is_not_read() -> None:
    assert manifests.read(job() + "status: {version: 3}\n")[0].metadata.name == "prices"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_rendered_example_reads_back_as_the_same_job(path: Path) -> None:
    for manifest in manifests.read(path.read_bytes(), path.name):
        again = manifests.read(manifests.render(manifest))[0]
        assert (again.spec.digest(), again.metadata, again.spec.enabled) == _told_by(manifest)


def _told_by(manifest: Manifest) -> tuple[object, ...]:
    return manifest.spec.digest(), manifest.metadata, manifest.spec.enabled


def test_symbols_that_look_like_something_else_survive_rendering() -> None:
    manifest = manifests.read(job("type: marketdata, symbols: [ON, TRUE, NULL, 0123, 1E5, '2024-01-01', 600000]"))[0]
    assert manifests.read(manifests.render(manifest))[0].spec.symbols == manifest.spec.symbols


def test_the_four_ready_jobs_are_the_ones_among_the_examples() -> None:
    (example,) = (path for path in EXAMPLES if path.stem == "ready-jobs")
    assert example.read_text(encoding="utf-8") == manifests.ready_jobs()
    assert {one.metadata.name: one.spec.schedule.shown() for one in manifests.read(manifests.ready_jobs())} == {
        "MARKETDATA_INCREMENTAL": "*/5 * * * MON-FRI",
        "MARKETDATA_BACKFILL": "manual",
        "FUNDAMENTALS_INCREMENTAL": "0 2 * * *",
        "FUNDAMENTALS_BACKFILL": "manual",
    }
