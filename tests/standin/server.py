# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP server: threads, persistent connections, TLS with its own CA, and reset connections."""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import struct
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

import trustme
from werkzeug.serving import DechunkedInput, ThreadedWSGIServer, WSGIRequestHandler

from .app import create_app
from .clock import Clock
from .config import FAMILIES, Config, default_config
from .control import create_control
from .cost import Cost
from .faults import Faults
from .journal import Journal
from .quay import Quay
from .request_handler import RequestHandler, Response
from .state import State

_REQUESTS_PER_CONNECTION = 1000

# Close at once and send a reset.
_LINGER_RESET = struct.pack("ii", 1, 0)


class _Handler(WSGIRequestHandler):
    """One connection. The handler of werkzeug would close it after every response."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    served = 0

    def run_wsgi(self) -> None:
        server = cast(_Server, self.server)
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.flush()
        body = self._read_body()
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(body)
        if environ.pop("HTTP_TRANSFER_ENCODING", None):
            environ["CONTENT_LENGTH"] = str(len(body))
        response = server.request_handler.handle(environ, body)
        if response.cut:
            server.refuse_for(response.refuse_seconds)
            self._cut()
        else:
            self._send(response)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return DechunkedInput(cast(IO[bytes], self.rfile)).read()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header, by the clock of the stand-in."""
        moment = cast(_Server, self.server).request_handler.quay.clock.timestamp() if timestamp is None else timestamp
        return super().date_time_string(moment)

    def _send(self, response: Response) -> None:
        self.served += 1
        if self.served >= _REQUESTS_PER_CONNECTION or response.truncated:
            self.close_connection = True
        self.send_response(response.status)
        for name, value in response.headers:
            if name.lower() not in ("content-length", "connection"):
                self.send_header(name, value)
        if response.status != 204:
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and response.status != 204:
            self.wfile.write(response.body[: len(response.body) // 2] if response.truncated else response.body)
        self.wfile.flush()

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)

    def version_string(self) -> str:
        return "standin-quay"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: the journal has all requests."""


class _Server(ThreadedWSGIServer):
    daemon_threads = True
    request_handler: RequestHandler

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port, _no_application, _Handler)
        # Set afterwards, so that a slow handshake blocks its own thread and not the listener.
        self.ssl_context = tls
        self._open: set[socket.socket] = set()
        self._refuse_until = 0.0

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.ssl_context:
            connection = self.ssl_context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._open.add(connection)
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        if time.monotonic() >= self._refuse_until:
            return True
        request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        return False

    def refuse_for(self, seconds: float) -> None:
        if seconds:
            self._refuse_until = time.monotonic() + seconds

    def shutdown_request(self, request: Any) -> None:
        # No shutdown before the close: it would be sent before the reset.
        self._open.discard(request)
        request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect or fail the TLS handshake."""

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _no_application(environ: Any, start_response: Any) -> Any:
    raise NotImplementedError("the handler calls RequestHandler instead")


class Standin:
    """A stand-in in this process, on its own port. It runs until the block ends."""

    def __init__(
        self,
        family: str = FAMILIES[0],
        *,
        tls: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        server_hostname: str | None = None,
    ) -> None:
        if family not in FAMILIES:
            raise ValueError(f"family is one of {', '.join(FAMILIES)}, not {family}")
        self._ca = trustme.CA() if tls else None
        self._files = tempfile.TemporaryDirectory(prefix="standin-")
        self._server = _Server(host, port, self._tls_context(host, server_hostname) if tls else None)
        authority = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{authority}"
        self.quay = Quay(family, default_config(server_hostname or authority, scheme))
        self.journal, self.faults = Journal(), Faults()
        self._server.request_handler = RequestHandler(self.quay, create_app(self.quay), self.journal, self.faults)
        self._server.request_handler.control = create_control(self._server.request_handler)

    @property
    def port(self) -> int:
        return int(self._server.port)

    @property
    def ca_path(self) -> str | None:
        """The path of the CA certificate, or none with plain http."""
        if self._ca is None:
            return None
        path = Path(self._files.name, "ca.pem")
        if not path.exists():
            self._ca.cert_pem.write_to_path(str(path))
        return str(path)

    @property
    def state(self) -> State:
        return self.quay.state

    @property
    def config(self) -> Config:
        return self.quay.config

    @property
    def cost(self) -> Cost:
        return self._server.request_handler.cost

    @cost.setter
    def cost(self, cost: Cost) -> None:
        self._server.request_handler.cost = cost

    @property
    def clock(self) -> Clock:
        return self.quay.clock

    def _tls_context(self, host: str, server_hostname: str | None) -> ssl.SSLContext:
        assert self._ca is not None
        names = {host, "127.0.0.1", "::1", "localhost"}
        if server_hostname:
            names.add(server_hostname.rsplit(":", 1)[0].strip("[]"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*sorted(names)).configure_cert(context)
        return context

    def serve_forever(self) -> None:
        self._server.serve_forever()

    def stop(self) -> None:
        self._server.stop()
        self._files.cleanup()

    def __enter__(self) -> Standin:
        threading.Thread(target=self.serve_forever, name="standin", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
