"""Random numbers by place."""

from __future__ import annotations

import numpy as np

from stockjobs.simulator.noise import normal, seed_of, uniform


def test_a_part_of_a_row_has_the_same_numbers_as_the_whole() -> None:
    whole, part = np.arange(1_000), np.arange(400, 450)
    assert (normal(7, whole)[400:450] == normal(7, part)).all()


def test_numbers_are_spread_as_promised() -> None:
    numbers = uniform(1, np.arange(20_000))
    assert 0.0 <= numbers.min() < 0.001
    assert 0.999 < numbers.max() < 1.0
    bell = normal(1, np.arange(20_000))
    assert abs(bell.mean()) < 0.03
    assert abs(bell.std() - 1.0) < 0.03


def test_neighbouring_seeds_have_nothing_in_common() -> None:
    a, b = normal(seed_of("SIM0001"), np.arange(5_000)), normal(seed_of("SIM0002"), np.arange(5_000))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.05
