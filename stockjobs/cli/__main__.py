"""`python -m stockjobs.cli` is `stockctl`."""

from __future__ import annotations

from stockjobs.cli.root import main

if __name__ == "__main__":
    main()
