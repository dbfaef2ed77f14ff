"""The server of docs/adding-a-provider.md: AAPL for whoever has the key. `python examples/acme_server.py [PORT]`"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

STEPS = {"1m": 60, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600, "1d": 86_400}
HEAD = {"exchange": "XNAS", "zone": "America/New_York", "currency": "USD", "kind": "EQUITY"}


class Acme(BaseHTTPRequestHandler):
    """Answers GET /bars/AAPL?interval=1d&from=…&to=…&key=… with bars at any hour of Monday to Friday, the same each time."""

    def do_GET(self) -> None:
        path, asked = urlsplit(self.path).path, {"interval": [""], "from": ["0"], "to": ["0"], "key": [""]}
        asked |= parse_qs(urlsplit(self.path).query)
        first, last, step = int(asked["from"][0]), int(asked["to"][0]), STEPS.get(asked["interval"][0])
        status = 401 if asked["key"] != ["secret"] else 404 if path != "/bars/AAPL" else 200 if step else 422
        every = range(-(-first // step) * step, last, step) if step else ()
        times = [at for at in every if (at // 86_400 + 3) % 7 < 5]  # 1970 began on a Thursday.
        rows = [{"t": at, "o": 100.0, "h": 102.0, "l": 99.0, "c": 101.0, "v": 1_000 + at % 7} for at in times]
        body = json.dumps({**HEAD, "rows": rows} if status == 200 else {}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int((sys.argv[1:] or ["8400"])[0])), Acme).serve_forever()
