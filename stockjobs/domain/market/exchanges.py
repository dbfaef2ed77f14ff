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

_OTHER_NAMES = (
    # Not taken, so that a calendar has one name wherever jobs are listed and compared; but who writes one is told that name.
    ("Nasdaq", "XNYS", "NASDAQ XNAS NMS NGM NCM NIM"),
    ("NYSE", "XNYS", "NYSE NYQ US USA"),
    ("NYSE Arca", "XNYS", "ARCA ARCX PCX"),
    ("NYSE American", "XNYS", "AMEX XASE ASE"),
    ("Cboe US", "XNYS", "BATS BTS"),
    ("an index of S&P or Dow Jones", "XNYS", "SNP DJI"),
    ("CME", "CMES", "CME XCME CBOT COMEX NYMEX"),
    ("CFE", "XCBF", "CFE CBOE"),
    ("ICE Futures US", "IEPA", "ICE ICEUS NYFE"),
    ("US trading over the counter", "XNYS", "OTC OOTC PNK"),
    ("Toronto", "XTSE", "TSX TSXV XTSX TOR"),
    ("São Paulo", "BVMF", "B3 BMF SAO"),
    ("London", "XLON", "LSE LON FGI"),
    ("Xetra", "XETR", "XETRA ETR GER"),
    ("Frankfurt", "XFRA", "FWB FRA"),
    ("Paris", "XPAR", "EPA PAR"),
    ("Amsterdam", "XAMS", "AEX AMS"),
    ("Milan", "XMIL", "MIL BIT MTAA"),
    ("Madrid", "XMAD", "BME MCE"),
    ("Zurich", "XSWX", "SIX EBS"),
    ("Stockholm", "XSTO", "STO OMX"),
    ("Oslo", "XOSL", "OSE OSL"),
    ("Luxembourg", "XLUX", "LUXSE"),
    ("Tel Aviv", "XTAE", "TASE TLV"),
    ("Riyadh", "XSAU", "TADAWUL SAU"),
    ("Johannesburg", "XJSE", "JSE JNB"),
    ("Tokyo", "XTKS", "JPX TYO"),
    ("Osaka", "XTKS", "OSA"),
    ("Hong Kong", "XHKG", "HKEX HKSE HKG"),
    ("Shanghai", "XSHG", "SSE SHH"),
    ("Shenzhen", "XSHG", "SZSE XSHE SHZ"),
    ("Seoul", "XKRX", "KRX KSE KSC"),
    ("Mumbai", "XBOM", "BSE NSE XNSE NSI"),
    ("Jakarta", "XIDX", "IDX JKT"),
    ("Sydney", "XASX", "ASX"),
    ("a crypto currency", ALWAYS_OPEN, "CRYPTO CCC 24X7"),
    ("a currency pair", FOREIGN_EXCHANGE, "FX FOREX CCY 24X5"),
)
_HINTS = {word: (market, mic) for market, mic, words in _OTHER_NAMES for word in words.split()}

EXCHANGES = frozenset(_ZONES)
"""Every exchange that a schedule may name."""


def parse_exchange(text: str, where: str = "") -> str:
    """Check the name of an exchange. Raises InvalidInput with the name that may be meant."""
    if text in EXCHANGES:
        return text
    cure = _cure(text.upper())
    raise InvalidInput.because(where, f"{excerpt(text)} is not an exchange with a calendar", cure)


def _cure(text: str) -> str:
    if text in _HINTS:
        market, mic = _HINTS[text]
        return f"{market} trades by {mic}"
    near = get_close_matches(text, sorted(EXCHANGES), n=3)
    return f"did you mean {' or '.join(near)}?" if near else "a MIC such as XNYS, or 24/7, or 24/5"


def zone_of(exchange: str) -> ZoneInfo:
    """The zone in which an exchange dates its sessions."""
    return ZoneInfo(_ZONES[exchange])
