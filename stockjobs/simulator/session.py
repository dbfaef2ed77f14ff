"""Cookies, crumbs and the consent pages: what a client needs before Yahoo talks to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from stockjobs.simulator.replies import HTML, TEXT, Query, Reply, html_reply

_COOKIE_LIFE = timedelta(days=365)


@dataclass
class Crumbs:
    """The crumb that is valid now; a rotation makes all earlier ones stale."""

    number: int = 1

    @property
    def current(self) -> str:
        """The crumb that clients must send."""
        return f"sim/Crumb.{self.number}"

    def rotate(self) -> None:
        """Make the present crumb stale."""
        self.number += 1

    def accepts(self, query: Query) -> bool:
        """True if a request carries the valid crumb."""
        return query.get("crumb") == self.current


def crumb_reply(crumbs: Crumbs) -> Reply:
    """`/v1/test/getcrumb`: the crumb as bare text."""
    return Reply(200, crumbs.current.encode(), TEXT)


def cookie_reply(query: Query) -> Reply:
    """`https://fc.yahoo.com/`: a page that does not exist, and the cookie that it leaves behind."""
    return Reply(404, html_reply(404, "Not Found").body, HTML, (_cookie(query.host),))


def _cookie(host: str) -> tuple[str, str]:
    expires = format_datetime(datetime.now(UTC) + _COOKIE_LIFE, usegmt=True)
    parts = ["A3=d=AQABBSIM&S=AQAAAsim", f"Expires={expires}", f"Max-Age={int(_COOKIE_LIFE.total_seconds())}", "Path=/"]
    if host.endswith("yahoo.com"):
        parts += ["Domain=.yahoo.com", "SameSite=None", "Secure"]
    return "Set-Cookie", "; ".join([*parts, "HttpOnly"])


def consent_reply(query: Query) -> Reply:
    """The consent pages of guce.yahoo.com and consent.yahoo.com: a form with its two tokens, and the cookie."""
    page = (
        "<!DOCTYPE html><html><body><form method='post' action='https://consent.yahoo.com/v2/collectConsent'>"
        "<input type='hidden' name='csrfToken' value='simulated'/><input type='hidden' name='sessionId' value='1_sim'/>"
        "<input type='hidden' name='originalDoneUrl' value='https://finance.yahoo.com/'/>"
        "<button name='agree' value='agree'>Accept all</button></form></body></html>"
    )
    return Reply(200, page.encode(), HTML, (_cookie(query.host),))
