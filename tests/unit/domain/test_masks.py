"""Hiding secrets in texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.masks import mask_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:pw@db:5432/x", "postgresql://me:***@db:5432/x"),
        ("redis://:pw@h/0", "redis://:***@h/0"),
        ("redis://:p@ss/w:rd@h/0", "redis://:***@h/0"),
        ("https://token@h/x", "https://***@h/x"),
        ("postgresql://h/d?user=me&password=pw&x=1", "postgresql://h/d?user=me&password=***&x=1"),
        ("rediss://h?ssl_password=pw", "rediss://h?ssl_password=***"),
        ("no answer from redis://me:pw@h, gave up", "no answer from redis://me:***@h, gave up"),
        ("['redis://me:pw@h', 1]", "['redis://me:***@h', 1]"),
    ],
)
def test_the_secret_is_hidden_and_the_rest_stays(text: str, shown: str) -> None:
    assert mask_secrets(text) == shown


@pytest.mark.parametrize(
    "text", ["", "Landed 20 bars.", "redis://h:6379/0", "mail me@example.com", "https://h:80/a?b=c"]
)
def test_a_text_without_secrets_is_left_alone(text: str) -> None:
    assert mask_secrets(text) == text


@given(
    st.from_regex(r"[^\s]{0,8}S3CR3T[^\s]{0,8}", fullmatch=True),
    st.sampled_from(["", "me"]),
    st.sampled_from(["db", "10.0.0.1:5432", "[::1]"]),
)
def test_no_password_is_seen_whatever_its_letters(password: str, user: str, host: str) -> None:
    assert "S3CR3T" not in mask_secrets(f"cannot reach postgresql://{user}:{password}@{host}/x today")


@given(st.text(max_size=80))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert mask_secrets(mask_secrets(text)) == mask_secrets(text)
