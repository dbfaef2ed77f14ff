"""`python -m stockjobs.simulator`: the local Yahoo server in the foreground."""

from __future__ import annotations

import sys

from stockjobs.errors import InvalidInput
from stockjobs.simulator.flags import read_flags
from stockjobs.simulator.process import run


def main() -> int:
    """Read the flags and serve; 2 for flags that cannot be used."""
    try:
        run(read_flags(sys.argv[1:]))
    except InvalidInput as problem:
        print(problem, file=sys.stderr)  # noqa: T201 - the command's output
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
