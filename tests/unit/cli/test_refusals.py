"""What is typed wrong is refused by the name under which it was typed, with what was expected."""

from __future__ import annotations

from tests.fixtures.cli import Ctl

SUCH = "such as 2026-01-31T15:30:00Z"
REFUSED = {
    "data AAPL --interval 7d": "stockctl: --interval: '7d' is not one of '1m', '2m', ",
    "data AAPL --provider nobody": "stockctl: --provider: there is no provider 'nobody' (known: yahoo, files; ",
    "data --all --provider yaho": "stockctl: --provider: there is no provider 'yaho' (did you mean yahoo?)",
    "data -s ,": "symbols: none is named by what was given (name some, or add --all for all in place of them)",
    "gaps -s ,": "symbols: none is named by what was given (name some, or leave it away for all)",
    "symbols AAPL": "stockctl: no such command 'AAPL' (`stockctl symbols show AAPL` is what takes it)",
    "symbols -s AAPL": "stockctl: no such option: -s (`stockctl symbols show -s AAPL` is what takes it)",
    "symbols --symbols=AAPL,MSFT": "(`stockctl symbols show --symbols=AAPL,MSFT` is what takes it)",
    "symbols --frobnicate": "stockctl: no such option: --frobnicate (",
    "symbols shwo AAPL": "stockctl: no such command 'shwo' (did you mean 'show'?)",
    "providers yahoo": "stockctl: no such command 'yahoo' (`stockctl providers describe yahoo` is what takes it)",
    "budget yaho": "stockctl: PROVIDER: there is no provider 'yaho' (did you mean yahoo?)",
    "budget yahoo --reopen yahoo": "stockctl: --reopen: names a provider itself (leave 'yahoo' away)",
    "gaps --limit x": "stockctl: --limit: input should be a valid integer",
    "gaps --frobnicate": "stockctl: no such option: --frobnicate (`stockctl gaps -h` lists what there is)",
    "get bogus": "stockctl: no such command 'bogus' (`stockctl get -h` lists what there is)",
    "bogus": "stockctl: no such command 'bogus' (`stockctl -h` lists what there is)",
    "--bogus": "stockctl: no such option: --bogus (possible options: --verbose)",
    "trigger": "stockctl: missing argument 'JOB' (`stockctl trigger -h` ",
    "data AAPL --start 2026-02-01 --end 2026-01-01": (
        "stockctl: start 2026-02-01T00:00:00Z is not before end 2026-01-01T00:00:00Z (give a later end, or swap them)"
    ),
    "data AAPL --start 2026-01-01T00:00+99:00": (
        f"stockctl: --start: '2026-01-01T00:00+99:00' is not a possible instant: its offset is a day or more ({SUCH})"
    ),
    "backfill --symbols AAPL --start 2026-02-01 --end 2026-01-01": "stockctl: start 2026-02-01T00:00:00Z is not before",
    "backfill --symbols AAPL --period 5d --start 2026-01-01": "stockctl: start and period exclude each other",
    "backfill --symbols AAPL --start 2150-01-01 --end 2150-02-01": "start: 2150-01-01T00:00:00Z is still to come (give ",
    "backfill --symbols AAPL --dry-run --period 6m": "period: PT6M is shorter than a day, and so than each of the bars (5d is ",
    "backfill --symbols AAPL --dry-run --start 2150-01-01": "start: 2150-01-01T00:00:00Z is still to come (give ",
    "get occurrences --since 99999999999d": "--since: 'P99999999999D' is ",
    "get jobs --selector =x": "--selector: '=x' is not a label selector (such as ",
    "get findings --symbol a?b": "--symbol: 'a?b' is not a symbol (a symbol looks like ",
    "get findings --rule foo": "--rule: 'foo' is not a rule (`stockctl get rules` lists them)",
    "release --symbol a?b": "--symbol: 'a?b' is not a symbol (",
    "next --cron @daily --time-zone Mars/X": "--time-zone: 'Mars/X' is not a time zone (an IANA name ",
    "next --session @open+5m": "--session: @open+5m needs an exchange (add --exchange, such as XNYS)",
    "symbols rename AAPL MSFT --at foo": f"--at: 'foo' is not an instant with a zone ({SUCH})",
    "simulator --fault foo": "--fault: 'foo' is not NAME=VALUE (known: kind, symbol, ",
    "simulator --fault status=429": "--fault: kind: is required (known: kind, symbol, ",
    "simulator --budget foo=1": "--budget: foo: is not known (known: per_second, ",
    "simulator --budget per_second=x": "--budget: per_second: ",
    "simulator --address nohost.invalid": "cannot listen on nohost.invalid:0: ",
}


def test_what_is_no_id_is_told_with_where_ids_are_found(ctl: Ctl) -> None:
    for kind, of in (("occurrence", "an occurrence"), ("finding", "a finding")):
        told = f"stockctl: 'xyz' is not the id of {of}, nor the first 4 or more digits of one (`stockctl get {kind}s` lists"
        assert told in ctl("describe", kind, "xyz", code=2).stderr
    assert "'x' is not the id of a task" in ctl("cancel", "task/x", code=2).stderr


def test_a_backfill_from_the_day_on_which_it_runs_has_to_say_its_end(ctl: Ctl) -> None:
    then = ("--start", "2150-01-05", "--at", "2150-01-05T12:00:00Z")
    refused = ctl("backfill", "--symbols", "AAPL", *then, code=2).stderr
    assert "is not before midnight UTC of its day, where a window ends if nobody says (give an end" in refused


def test_what_is_wrong_is_named_as_it_was_typed(ctl: Ctl) -> None:
    said = {line: ctl(*line.split(" "), code=2).stderr for line in REFUSED}
    assert {line: text for line, text in said.items() if REFUSED[line] not in text} == {}
    assert {line: text for line, text in said.items() if "Usage: " in text} == {}
    assert "--port" not in said["simulator --address nohost.invalid"]
    assert ctl.lines("get", "jobs", "-o", "name") == []
