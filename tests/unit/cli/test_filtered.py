"""Verbs that take the options of a filter take the same ones."""

from inspect import signature

import pytest

from stockjobs.cli import get
from stockjobs.cli.filters import filter_of
from stockjobs.cli.stats import stats
from stockjobs.cli.steering import cancel, retry

OPTIONS = [name for name in signature(filter_of).parameters if name != "now"]


@pytest.mark.parametrize("verb", [cancel, retry, stats, get.occurrences, get.tasks])
def test_a_verb_has_all_options_of_a_filter_in_their_order_and_no_filter(verb: object) -> None:
    names = list(signature(verb).parameters)  # type: ignore[arg-type]
    assert [name for name in names if name in OPTIONS] == OPTIONS
    assert "wanted" not in names
    assert names[0] == "ctx"
