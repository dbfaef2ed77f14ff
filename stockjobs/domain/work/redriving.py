"""Re-driving: what of a task that has failed is to be asked for again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from stockjobs.errors import RangeRefused, SymbolUnknown

_FINAL_KINDS = (SymbolUnknown.kind, RangeRefused.kind)


def symbols_again(
    symbols: Sequence[str],
    *,
    asked: Sequence[str],
    failed: Collection[str],
    given_up: Collection[str],
    error_kind: str | None,
) -> tuple[str, ...]:
    """The symbols of a failed task that have not succeeded, in the task's order.

    `asked` are those of its last attempt and `failed` those with an error in it; `given_up` is of all attempts. Where the
    provider was in trouble the last attempt stopped in the middle, and asked for nothing after its last error.
    """
    places = [place for place, symbol in enumerate(asked) if symbol in failed]
    if not places:
        missing = set() if given_up else set(asked)
    else:
        missing = set(failed) if error_kind in _FINAL_KINDS else set(failed) | set(asked[places[-1] :])
    return tuple(symbol for symbol in symbols if symbol in missing or symbol in given_up)
