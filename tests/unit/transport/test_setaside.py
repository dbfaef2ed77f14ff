"""Entries of the side list."""

from __future__ import annotations

import pytest

from stockjobs.transport.setaside import SetAside


@pytest.mark.parametrize("raw", [b'{"a": 1}', b"\xff\x00\xfe", b"", "€".encode()])
def test_an_entry_keeps_the_bytes(raw: bytes) -> None:
    entry = SetAside.of("realtime", raw, "why")
    assert SetAside.from_json(entry.to_json()) == entry


def test_a_huge_message_is_cut_and_its_size_kept() -> None:
    entry = SetAside.of("realtime", b"x" * 1_000_000, "why")
    assert (len(entry.raw), entry.size) == (16_384, 1_000_000)
