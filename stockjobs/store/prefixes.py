"""Ids as people type them: whole, or their first digits."""

from __future__ import annotations

from uuid import UUID

from stockjobs.domain.excerpts import excerpt
from stockjobs.errors import InvalidInput

_SHORTEST, _WHOLE = 4, 32


def ids_from(text: str, kind: str) -> tuple[UUID, UUID]:
    """The first and the last id of a kind that begin with these hexadecimal digits, dashes left out. Raises InvalidInput."""
    digits = text.replace("-", "").lower()
    if not _SHORTEST <= len(digits) <= _WHOLE or not set(digits) <= set("0123456789abcdef"):
        told = f"{excerpt(text)} is not the id of {kind}, nor the first {_SHORTEST} or more digits of one"
        raise InvalidInput.because("", told, f"`stockctl get {kind.split()[-1]}s` lists them")
    return UUID(digits.ljust(_WHOLE, "0")), UUID(digits.ljust(_WHOLE, "f"))
