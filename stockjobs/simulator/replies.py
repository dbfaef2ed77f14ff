"""Answers as values: what is sent back, before any fault is laid on it."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from stockjobs.errors import StockjobsError

JSON = "application/json;charset=utf-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain;charset=utf-8"


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True)
class Query:
    """One request as the endpoints see it: the symbol of the path, the arguments, the host asked for."""

    path: str
    arguments: dict[str, str]
    symbol: str = ""
    host: str = ""

    def get(self, name: str, default: str = "") -> str:
        """An argument's last value."""
        return self.arguments.get(name, default)


class Refused(StockjobsError):
    """Yahoo says no: raised by the reading of a request, answered in the words of its endpoint."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.code = code
        self.description = description


def json_reply(document: object, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """A JSON answer; NaN becomes null."""
    return Reply(status, orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY), JSON, headers)


def refusal(section: str, refused: Refused) -> Reply:
    """Yahoo's error document: `{"chart": {"result": null, "error": {…}}}`."""
    error = {"code": refused.code, "description": refused.description}
    return json_reply({section: {"result": None, "error": error}}, status=refused.status)


def html_reply(status: int, title: str, text: str = "") -> Reply:
    """A page for people, where a program hoped for JSON."""
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
    return Reply(status, page.encode(), HTML)
