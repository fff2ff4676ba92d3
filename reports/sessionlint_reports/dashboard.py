"""Serves the reports of a history on this machine; open pages load again when a new snapshot arrives."""

from __future__ import annotations

import mimetypes
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from sessionlint.errors import SessionlintError, UsageError
from sessionlint_reports.portfolio import Portfolio
from sessionlint_reports.render import SITE_CSP

STAMP = "/_stamp"
_LOCAL = ("localhost", "127.0.0.1", "[::1]")


class Server(ThreadingHTTPServer):
    """The dashboard of a portfolio. Raises :class:`UsageError` when the address is taken."""

    daemon_threads = True

    def __init__(self, portfolio: Portfolio, host: str, port: int) -> None:
        self.portfolio = portfolio
        self.hosts = (*_LOCAL, host)
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"cannot listen on {host}:{port}: {reason}. Choose another --port.") from error

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        # A page elsewhere could point a name of its own at this machine and read the reports through it.
        if self.headers.get("Host", "").rpartition(":")[0] not in self.server.hosts:
            self._send(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"Unknown host name.\n", with_body)
            return
        path = unquote(urlsplit(self.path).path)
        try:
            if path == STAMP:
                content: bytes | None = self.server.portfolio.stamp().encode()
            else:
                content = self.server.portfolio.file(path.lstrip("/") or "index.html")
        except SessionlintError as error:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", f"{error}\n".encode(), with_body)
            return
        if content is None:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"There is no such page.\n", with_body)
            return
        kind = "text/plain" if path == STAMP else mimetypes.guess_type(path)[0] or "text/html"
        self._send(HTTPStatus.OK, kind, content, with_body)

    def _send(self, status: HTTPStatus, kind: str, content: bytes, with_body: bool) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", SITE_CSP)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are nobody's news."""
