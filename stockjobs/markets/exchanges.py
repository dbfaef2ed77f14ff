"""The exchanges: the codes that Yahoo writes into its answers, and the MIC and zone that each stands for."""

from __future__ import annotations

from dataclasses import dataclass

from stockjobs.domain.market.exchanges import ALWAYS_OPEN, FOREIGN_EXCHANGE


@dataclass(frozen=True)
class Exchange:
    """One of Yahoo's exchange codes: `mic` is the calendar it trades by, `zone` the one Yahoo dates its bars in."""

    code: str
    mic: str
    name: str
    zone: str


YAHOO_EXCHANGES = (
    Exchange("NMS", "XNYS", "NasdaqGS", "America/New_York"),
    Exchange("NGM", "XNYS", "NasdaqGM", "America/New_York"),
    Exchange("NCM", "XNYS", "NasdaqCM", "America/New_York"),
    Exchange("NIM", "XNYS", "Nasdaq GIDS", "America/New_York"),
    Exchange("NYQ", "XNYS", "NYSE", "America/New_York"),
    Exchange("PCX", "XNYS", "NYSEArca", "America/New_York"),
    Exchange("ASE", "XNYS", "NYSE American", "America/New_York"),
    Exchange("BTS", "XNYS", "Cboe US", "America/New_York"),
    Exchange("SNP", "XNYS", "SNP", "America/New_York"),
    Exchange("DJI", "XNYS", "DJI", "America/New_York"),
    Exchange("TOR", "XTSE", "Toronto", "America/Toronto"),
    Exchange("SAO", "BVMF", "São Paulo", "America/Sao_Paulo"),
    Exchange("LSE", "XLON", "LSE", "Europe/London"),
    Exchange("FGI", "XLON", "FTSE Index", "Europe/London"),
    Exchange("GER", "XETR", "XETRA", "Europe/Berlin"),
    Exchange("PAR", "XPAR", "Paris", "Europe/Paris"),
    Exchange("AMS", "XAMS", "Amsterdam", "Europe/Amsterdam"),
    Exchange("MIL", "XMIL", "Milan", "Europe/Rome"),
    Exchange("MCE", "XMAD", "MCE", "Europe/Madrid"),
    Exchange("EBS", "XSWX", "Swiss", "Europe/Zurich"),
    Exchange("STO", "XSTO", "Stockholm", "Europe/Stockholm"),
    Exchange("TLV", "XTAE", "Tel Aviv", "Asia/Jerusalem"),
    Exchange("SAU", "XSAU", "Saudi", "Asia/Riyadh"),
    Exchange("JNB", "XJSE", "Johannesburg", "Africa/Johannesburg"),
    Exchange("JPX", "XTKS", "Tokyo", "Asia/Tokyo"),
    Exchange("OSA", "XTKS", "Osaka", "Asia/Tokyo"),
    Exchange("HKG", "XHKG", "HKSE", "Asia/Hong_Kong"),
    Exchange("SHH", "XSHG", "Shanghai", "Asia/Shanghai"),
    Exchange("SHZ", "XSHG", "Shenzhen", "Asia/Shanghai"),
    Exchange("KSC", "XKRX", "KSE", "Asia/Seoul"),
    Exchange("BSE", "XBOM", "BSE", "Asia/Kolkata"),
    Exchange("NSI", "XBOM", "NSE", "Asia/Kolkata"),
    Exchange("ASX", "XASX", "ASX", "Australia/Sydney"),
    Exchange("CCC", ALWAYS_OPEN, "CCC", "UTC"),
    Exchange("CCY", FOREIGN_EXCHANGE, "CCY", "Europe/London"),
)
_SAME_SESSIONS = {"XNAS": "XNYS", "XASE": "XNYS", "ARCX": "XNYS", "BATS": "XNYS", "XNSE": "XBOM", "XSHE": "XSHG"}
"""MICs of exchanges without a calendar of their own, and the one whose sessions they have."""

_BY_CODE = {exchange.code: exchange for exchange in YAHOO_EXCHANGES}


def exchange(code: str) -> Exchange | None:
    """The exchange of one of Yahoo's codes (`NMS`), None for a code that is not in the table."""
    return _BY_CODE.get(code)


def mic_of(code: str) -> str | None:
    """The MIC whose sessions apply to one of Yahoo's exchange codes, or to another MIC; None for a code that is in no table."""
    known = exchange(code)
    return known.mic if known else _SAME_SESSIONS.get(code)
