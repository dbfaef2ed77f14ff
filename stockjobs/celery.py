"""The Celery application that `celery -A stockjobs worker`, `beat` and `flower` find."""

from __future__ import annotations

import sys

from stockjobs.bootstrap import Container
from stockjobs.errors import StockjobsError

try:
    container = Container()
    app = container.app
except StockjobsError as error:
    # The `celery` command would print a traceback of its own.
    print(f"stockjobs: {error}", file=sys.stderr)  # noqa: T201
    raise SystemExit(2) from None
