"""The server of a page: to this machine alone, and only what a site knows by its path."""

import sys
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from train.errors import sentence

Answer: TypeAlias = tuple[str, bytes]
"""The type of a content, and the content."""
Find: TypeAlias = Callable[[str], Answer | None]
"""A function that returns what stands at a path; None: nothing. No path is a path of the disk."""

HTML = "text/html; charset=utf-8"
_HOSTS = {"127.0.0.1", "localhost"}
_RULES = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'"


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a browser that has gone."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def server(find: Find, port: int) -> ThreadingHTTPServer:
    """Returns a server that listens and does not answer yet.

    Args:
      find: returns what stands at a path.
      port: where it listens; 0: where it is free.

    Raises:
      OSError: the port cannot be had.
      OverflowError: there is no such port.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # A page of another site could otherwise read this one by a name that leads here.
            host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
            if host not in _HOSTS:
                self._send(403, "text/plain", b"Only http://127.0.0.1 and http://localhost.\n")
                return
            try:
                # A name of a file may have bytes that are no UTF-8.
                target = urllib.parse.urlsplit(self.path).path
                path = urllib.parse.unquote(target, errors="surrogateescape")
            except ValueError:
                self._send(400, "text/plain", b"This is no address of a page.\n")
                return
            try:
                found = find(path)
            except Exception as error:  # as where a file is taken away while it is read
                why = f"{sentence(error)}\n".encode(errors="replace")
                self._send(500, "text/plain; charset=utf-8", why)
                return
            if found is None:
                self._send(404, "text/plain", b"There is no such page. The first one is at /.\n")
            else:
                self._send(200, *found)

        def _send(self, code: int, kind: str, content: bytes) -> None:
            self.send_response(code)
            headers = {
                "Content-Type": kind,
                "Content-Length": str(len(content)),
                "Content-Security-Policy": _RULES,
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            }
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Prints nothing of each request."""

    return _Server(("127.0.0.1", port), Handler)
