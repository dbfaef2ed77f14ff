"""The side list: malformed messages with their evidence, newest first, at most 10,000 of them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

SET_ASIDE_KEY = "stockjobs:set-aside"
CAPACITY = 10_000
_LARGEST_EVIDENCE = 16_384


@dataclass(frozen=True)
class SetAside:
    """A message taken out of a lane because no worker can take it.

    `raw` is the message as it stood in the lane, cut after 16 KiB; `size` is its whole length in bytes.
    """

    lane: str
    reason: str
    at: datetime
    raw: bytes
    size: int

    @classmethod
    def of(cls, lane: str, raw: bytes, reason: str) -> SetAside:
        """A message set aside now, by this machine's clock: the time is evidence for a reader and decides nothing."""
        return cls(lane, reason, datetime.now(UTC), raw[:_LARGEST_EVIDENCE], len(raw))

    def to_json(self) -> bytes:
        """The entry of the side list; bytes that are no text stand there in base64."""
        entry: dict[str, str | int] = {
            "lane": self.lane,
            "reason": self.reason,
            "at": self.at.isoformat(),
            "size": self.size,
        }
        try:
            entry["raw"] = self.raw.decode()
        except UnicodeDecodeError:
            entry["raw_base64"] = b64encode(self.raw).decode()
        return orjson.dumps(entry)

    @classmethod
    def from_json(cls, entry: bytes) -> SetAside:
        """Read an entry of the side list."""
        fields = orjson.loads(entry)
        raw = b64decode(fields["raw_base64"]) if "raw_base64" in fields else fields["raw"].encode()
        return cls(fields["lane"], fields["reason"], datetime.fromisoformat(fields["at"]), raw, fields["size"])
