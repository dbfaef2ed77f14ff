"""The exchanges whose sessions are known, by MIC (ISO 10383), with the zone in which each dates its sessions.

Known here, so that a schedule can be checked without loading any calendar; `stockjobs.markets` has the sessions.
"""

from __future__ import annotations

from difflib import get_close_matches
from zoneinfo import ZoneInfo

from stockjobs.domain.excerpts import excerpt
from stockjobs.errors import InvalidInput

ALWAYS_OPEN = "24/7"
"""The market of crypto currencies. No MIC exists for it; a session is one UTC day."""

FOREIGN_EXCHANGE = "24/5"
"""The market of currency pairs. No MIC exists for it; a session ends at 17:00 New York time, when the next begins."""

_ZONES = {
    ALWAYS_OPEN: "UTC",
    FOREIGN_EXCHANGE: "America/New_York",
    "AIXK": "Asia/Almaty",
    "BVMF": "America/Sao_Paulo",
    "CMES": "America/Chicago",
    "IEPA": "America/New_York",
    "XAMS": "Europe/Amsterdam",
    "XASX": "Australia/Sydney",
    "XBDA": "Atlantic/Bermuda",
    "XBKK": "Asia/Bangkok",
    "XBOG": "America/Bogota",
    "XBOM": "Asia/Kolkata",
    "XBRA": "Europe/Bratislava",
    "XBRU": "Europe/Brussels",
    "XBUD": "Europe/Budapest",
    "XBUE": "America/Argentina/Buenos_Aires",
    "XCBF": "America/Chicago",
    "XCSE": "Europe/Copenhagen",
    "XDUB": "Europe/Dublin",
    "XDUS": "Europe/Berlin",
    "XEEE": "Europe/Berlin",
    "XETR": "Europe/Berlin",
    "XEUR": "Europe/Berlin",
    "XFRA": "Europe/Berlin",
    "XHAM": "Europe/Berlin",
    "XHEL": "Europe/Helsinki",
    "XHKG": "Asia/Hong_Kong",
    "XICE": "Atlantic/Reykjavik",
    "XIDX": "Asia/Jakarta",
    "XIST": "Europe/Istanbul",
    "XJSE": "Africa/Johannesburg",
    "XKAR": "Asia/Karachi",
    "XKLS": "Asia/Kuala_Lumpur",
    "XKRX": "Asia/Seoul",
    "XLIM": "America/Lima",
    "XLIS": "Europe/Lisbon",
    "XLIT": "Europe/Vilnius",
    "XLJU": "Europe/Ljubljana",
    "XLON": "Europe/London",
    "XLUX": "Europe/Luxembourg",
    "XMAD": "Europe/Madrid",
    "XMEX": "America/Mexico_City",
    "XMIL": "Europe/Rome",
    "XMOS": "Europe/Moscow",
    "XNYS": "America/New_York",
    "XNZE": "Pacific/Auckland",
    "XOSL": "Europe/Oslo",
    "XPAR": "Europe/Paris",
    "XPHS": "Asia/Manila",
    "XPRA": "Europe/Prague",
    "XRIS": "Europe/Riga",
    "XSAU": "Asia/Riyadh",
    "XSES": "Asia/Singapore",
    "XSGO": "America/Santiago",
    "XSHG": "Asia/Shanghai",
    "XSTO": "Europe/Stockholm",
    "XSTU": "Europe/Berlin",
    "XSWX": "Europe/Zurich",
    "XTAE": "Asia/Jerusalem",
    "XTAI": "Asia/Taipei",
    "XTAL": "Europe/Tallinn",
    "XTKS": "Asia/Tokyo",
    "XTSE": "America/Toronto",
    "XWAR": "Europe/Warsaw",
    "XWBO": "Europe/Vienna",
    "XZAG": "Europe/Zagreb",
}

EXCHANGES = frozenset(_ZONES)
"""Every exchange that a schedule may name."""


def parse_exchange(text: str, where: str = "") -> str:
    """Check the name of an exchange. Raises InvalidInput with the nearest names."""
    if text in EXCHANGES:
        return text
    near = get_close_matches(text.upper(), sorted(EXCHANGES), n=3)
    cure = f"did you mean {' or '.join(near)}?" if near else "a MIC such as XNYS, or 24/7, or 24/5"
    raise InvalidInput.because(where, f"{excerpt(text)} is not an exchange with a calendar", cure)


def zone_of(exchange: str) -> ZoneInfo:
    """The zone in which an exchange dates its sessions."""
    return ZoneInfo(_ZONES[exchange])
