"""The HTTP server: each request is held against the budget, answered, spoiled, counted and sent."""

from __future__ import annotations

import asyncio
import time

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from tornado.web import Application, RequestHandler

from stockjobs.simulator.control import ControlHandler
from stockjobs.simulator.counters import Request
from stockjobs.simulator.endpoints import Endpoint, route
from stockjobs.simulator.replies import Query
from stockjobs.simulator.spoiling import Delivery, invalid_crumb, spoil, too_many
from stockjobs.simulator.state import State

_URI_REMEMBERED = 500


class YahooHandler(RequestHandler):
    """Every path of Yahoo's."""

    def initialize(self, state: State) -> None:
        """Tornado's constructor for handlers."""
        self.state = state

    async def get(self) -> None:
        """Answer one request."""
        endpoint, symbol = route(self.request.path)
        arguments = {name: values[-1].decode("utf-8", "replace") for name, values in self.request.arguments.items()}
        delivery, fault = self._decide(endpoint, Query(self.request.path, arguments, symbol, self.request.host_name))
        self._count(endpoint, symbol, delivery, fault)
        try:
            await self._send(delivery)
        except StreamClosedError:
            self._break_off()

    head = get
    post = get

    def _decide(self, endpoint: Endpoint, query: Query) -> tuple[Delivery, str]:
        """The answer, and the name of what spoiled it."""
        state = self.state
        if not state.budget.admits(self.request.remote_ip or "", time.monotonic()):
            wait = state.budget.allowance.retry_after
            return Delivery(too_many(crumb=endpoint.name == "crumb", retry_after=wait)), "budget"
        if endpoint.needs_crumb and not state.market.crumbs.accepts(query):
            return Delivery(invalid_crumb()), ""
        faults = state.faults.striking(endpoint.name, query.symbol)
        return spoil(endpoint.answer(query, state.market), faults), ",".join(fault.kind for fault in faults)

    def _count(self, endpoint: Endpoint, symbol: str, delivery: Delivery, fault: str) -> None:
        connection = self.request.connection
        context = connection.context if isinstance(connection, HTTP1Connection) else self
        self.state.counters.count(
            Request(
                at=time.monotonic(),
                endpoint=endpoint.name,
                symbol=symbol.upper()[:40],
                status=delivery.reply.status if delivery.cut > 0 else 0,
                connection=self.state.number_of(context),
                uri=(self.request.uri or "")[:_URI_REMEMBERED],
                fault=fault,
                address=self.request.remote_ip or "",
            )
        )

    async def _send(self, delivery: Delivery) -> None:
        if delivery.delay:
            await asyncio.sleep(delivery.delay)
        if delivery.cut == 0.0:
            self._break_off()
            return
        reply = delivery.reply
        self.set_status(reply.status)
        self.set_header("Content-Type", reply.content_type)
        for name, value in reply.headers:
            self.add_header(name, value)
        if self.request.method == "HEAD" or (delivery.cut == 1.0 and not delivery.pause):
            await self.finish(reply.body)
        else:
            await self._send_slowly(delivery)

    async def _send_slowly(self, delivery: Delivery) -> None:
        """The body in pieces, under a length that promises all of it."""
        body = delivery.reply.body
        self.set_header("Content-Length", len(body))
        until = int(len(body) * delivery.cut)
        piece = delivery.piece or max(until, 1)
        for start in range(0, until, piece):
            self.write(body[start : min(start + piece, until)])
            await self.flush()
            if delivery.pause:
                await asyncio.sleep(delivery.pause)
        if delivery.cut < 1.0:
            self._break_off()
        else:
            await self.finish()

    def _break_off(self) -> None:
        """Close the connection without another byte."""
        if not self._finished:
            self.detach().close()


def application(state: State) -> Application:
    """The web application over a state."""
    routes = [(r"/__control__/(.*)", ControlHandler, {"state": state}), (r".*", YahooHandler, {"state": state})]
    return Application(routes, log_function=lambda _handler: None)
