"""Where a symbol trades, by its ending, in the grammar of Yahoo: VOD.L in London; without an ending, in New York."""

from __future__ import annotations

_BY_ENDING = {
    # ending: the exchange in Yahoo's code, its zone
    "L": ("LSE", "Europe/London"),
    "IL": ("IOB", "Europe/London"),
    "DE": ("GER", "Europe/Berlin"),
    "F": ("FRA", "Europe/Berlin"),
    "PA": ("PAR", "Europe/Paris"),
    "AS": ("AMS", "Europe/Amsterdam"),
    "BR": ("BRU", "Europe/Brussels"),
    "LS": ("LIS", "Europe/Lisbon"),
    "MI": ("MIL", "Europe/Rome"),
    "MC": ("MCE", "Europe/Madrid"),
    "SW": ("EBS", "Europe/Zurich"),
    "ST": ("STO", "Europe/Stockholm"),
    "OL": ("OSL", "Europe/Oslo"),
    "CO": ("CPH", "Europe/Copenhagen"),
    "HE": ("HEL", "Europe/Helsinki"),
    "VI": ("VIE", "Europe/Vienna"),
    "IR": ("ISE", "Europe/Dublin"),
    "WA": ("WSE", "Europe/Warsaw"),
    "T": ("JPX", "Asia/Tokyo"),
    "HK": ("HKG", "Asia/Hong_Kong"),
    "SS": ("SHH", "Asia/Shanghai"),
    "SZ": ("SHZ", "Asia/Shanghai"),
    "KS": ("KSC", "Asia/Seoul"),
    "KQ": ("KOE", "Asia/Seoul"),
    "TW": ("TAI", "Asia/Taipei"),
    "SI": ("SES", "Asia/Singapore"),
    "NS": ("NSI", "Asia/Kolkata"),
    "BO": ("BSE", "Asia/Kolkata"),
    "AX": ("ASX", "Australia/Sydney"),
    "NZ": ("NZE", "Pacific/Auckland"),
    "TO": ("TOR", "America/Toronto"),
    "V": ("VAN", "America/Toronto"),
    "SA": ("SAO", "America/Sao_Paulo"),
    "MX": ("MEX", "America/Mexico_City"),
    "TA": ("TLV", "Asia/Jerusalem"),
    "SR": ("SAU", "Asia/Riyadh"),
    "JO": ("JNB", "Africa/Johannesburg"),
}


def exchange_and_zone(symbol: str) -> tuple[str, str]:
    """The exchange in Yahoo's code and the zone that go with a symbol; empty where it does not say.

    A symbol without an ending trades in the United States, but at which of its exchanges it does not say.
    """
    if symbol.endswith("=X"):
        return "CCY", "Europe/London"
    bare, _, ending = symbol.rpartition(".")
    if bare:
        return _BY_ENDING.get(ending, ("", ""))
    head, _, quoted = symbol.rpartition("-")
    if head and quoted in ("USD", "EUR", "GBP", "USDT", "BTC"):
        return "CCC", "UTC"
    return "", "" if symbol.startswith("^") else "America/New_York"
