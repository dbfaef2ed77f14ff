"""The sign of life of a process: the time of its latest progress, in a file whose age a health check looks at."""

from __future__ import annotations

import time
from pathlib import Path

from stockjobs.telemetry import logs

EVERY = 1.0
"""The file is written this often at the most, in seconds."""

log = logs.get("heartbeat")


class Heartbeat:
    """Writes the time, as whole seconds of Unix time, whenever the loop that it stands for has come round.

    A ping would be answered by a process whose loop hangs; the age of this file tells. An empty path writes nothing.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._due = 0.0

    def beat(self) -> None:
        """Tell that the loop has come round. Where that cannot be written the log says so, and the work goes on."""
        now = time.monotonic()
        if self._path is None or now < self._due:
            return
        self._due = now + EVERY
        scratch = self._path.with_name(f"{self._path.name}.new")
        try:
            scratch.write_text(f"{int(time.time())}\n", encoding="ascii")
            # Replaced as a whole, so that nobody ever reads an empty file.
            scratch.replace(self._path)
        except OSError as error:
            log.warning("The heartbeat cannot be written.", action="heartbeat", path=str(self._path), error=str(error))
