"""Taking a step a second time where somebody else was in its way."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from stockjobs.errors import Busy

P = ParamSpec("P")
T = TypeVar("T")


def taken_twice_if_busy(step: Callable[P, T]) -> Callable[P, T]:
    """Take a step once more if it raises Busy. It is to be one transaction, so that nothing of the first time is left."""

    @wraps(step)
    def twice(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return step(*args, **kwargs)
        except Busy:
            return step(*args, **kwargs)

    return twice
