"""Patterns: which are refused, and that none takes long."""

from __future__ import annotations

import time

import pytest

from stockjobs.domain.patterns import matches, refusal


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("[a-z]+", "us", True),
        ("[a-z]+", "us1", False),
        ("[a-z]+", "1us", False),
        ("[a-z]+", "us\n", False),
        ("a|b", "a", True),
        ("a|b", "ab", False),
        ("(?i)us", "US", True),
        (r"\d{4}", "2024", True),
        (r"\w{1,12}", "größer", True),
        ("[A-Za-z0-9._-]{1,63}", "a" * 64, False),
    ],
)
def test_all_of_a_text_has_to_match(pattern: str, text: str, is_match: bool) -> None:
    assert refusal(pattern) == ""
    assert matches(pattern, text) is is_match


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "unclosed group"),
        ("*a", "repetition operator missing expression"),
        ("[z-a]", "invalid character class range"),
        ("a)|(b", "unopened group"),
        ("(?x)a#", "unclosed group"),
        ("(?=a)b", "look-around"),
        (r"(a)\1", "backreferences are not supported"),
        (r"(\w{100}){100}", "it is too large"),
        ("((((a{99}){99}){99}){99}){99}", "it is too large"),
        ("(.{0,200}){20}", "it is too large"),
    ],
)
def test_what_is_no_pattern_or_too_much_of_one_is_refused(pattern: str, reason: str) -> None:
    assert reason in refusal(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(a*)*b", "a*a*a*a*a*a*a*a*b", "(.*)*(.*)*x"])
def test_no_pattern_takes_long(pattern: str) -> None:
    begun = time.process_time()
    assert not matches(pattern, "a" * 1_999 + "!")
    assert time.process_time() - begun < 1
