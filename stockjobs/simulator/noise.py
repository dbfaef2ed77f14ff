"""Random numbers that depend on nothing but their place: the same seed, day and minute give the same number for ever.

A generator with a state would give other numbers for another window. Here each number is a hash of its coordinates
(the finaliser of SplitMix64, Steele et al. 2014), so any part can be computed alone.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 2.0**-53
_ALL_BITS = 2**64 - 1


def seed_of(*parts: str) -> int:
    """A seed of 64 bits for a text, the same in every process."""
    return int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=8).digest(), "big")


def uniform(seed: int, *coordinates: NDArray[np.int64]) -> NDArray[np.float64]:
    """Numbers in [0, 1), one per place of the broadcast coordinates."""
    state = np.array(seed & _ALL_BITS, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for coordinate in coordinates:
            state = _mix(state + (coordinate.astype(np.uint64) + np.uint64(1)) * _GOLDEN)
    return (state >> np.uint64(11)).astype(np.float64) * _TO_UNIT


def normal(seed: int, *coordinates: NDArray[np.int64]) -> NDArray[np.float64]:
    """Numbers with the standard normal distribution (Box and Muller 1958), one per place of the coordinates."""
    radius = np.sqrt(-2.0 * np.log1p(-uniform(seed, *coordinates)))
    return np.asarray(radius * np.cos(2.0 * np.pi * uniform(seed ^ 0x5851F42D4C957F2D, *coordinates)))


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return np.asarray(z ^ (z >> np.uint64(31)))
