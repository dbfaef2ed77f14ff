"""The HTTP server: each request becomes a query, each reply is written out."""

from __future__ import annotations

from tornado.web import Application, RequestHandler

from stockjobs.simulator.endpoints import route
from stockjobs.simulator.market import Market
from stockjobs.simulator.replies import Query


class YahooHandler(RequestHandler):
    """Every path of Yahoo's."""

    def initialize(self, market: Market) -> None:
        """Tornado's constructor for handlers."""
        self.market = market

    async def get(self) -> None:
        """Answer one request."""
        endpoint, symbol = route(self.request.path)
        arguments = {name: values[-1].decode("utf-8", "replace") for name, values in self.request.arguments.items()}
        reply = endpoint.answer(Query(self.request.path, arguments, symbol, self.request.host_name), self.market)
        self.set_status(reply.status)
        self.set_header("Content-Type", reply.content_type)
        for name, value in reply.headers:
            self.add_header(name, value)
        self.finish(reply.body)


def application(market: Market) -> Application:
    """The web application over a market."""
    return Application([(r".*", YahooHandler, {"market": market})])
