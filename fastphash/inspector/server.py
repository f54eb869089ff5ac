"""The web server around the pages."""

import contextlib
import errno
import socket
import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

import uvicorn

from fastphash.errors import FastphashError, UsageError
from fastphash.inspector.access import Access
from fastphash.inspector.catalog import Progress
from fastphash.inspector.routes import make_app
from fastphash.results.audit_folder import AuditFolder

# for requests that are being answered when the server is told to end
_GRACE = 2
_BACKLOG = 128
_LARGEST_HEADERS = 32 << 10


def serve(
    audited: AuditFolder,
    host: str,
    port: int,
    ready: Callable[[str], None],
    progress: Progress | None = None,
) -> None:
    """Serve the inspector of an audit until a signal ends it, which is then raised again.

    Parameters
    ----------
    audited : AuditFolder
    host : str
        Name or address to listen at.
    port : int
        0 takes any that is free.
    ready : callable
        Told the URL, with its token, once it can be opened.
    progress : callable, optional
        Told how much of the store has been read.

    Raises
    ------
    UsageError
        No such host, or a port that is taken or not allowed.
    StoreError
        Groups, decisions or label conflicts are damaged.
    """
    with _listening(host, port) as listener:
        access = Access(host, listener.getsockname()[1])
        app = make_app(audited, access, progress)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                h11_max_incomplete_event_size=_LARGEST_HEADERS,
                timeout_graceful_shutdown=_GRACE,
            )
        )
        ready(access.url)
        server.run(sockets=[listener])


@contextlib.contextmanager
def browser(url: str) -> Iterator[None]:
    """Open a URL in the user's browser.

    By way of a file that only the user can read: what programs are started with, all can see, and
    the URL has a token.
    """
    with tempfile.TemporaryDirectory(prefix="fastphash-") as folder:
        page = Path(folder) / "inspect.html"
        page.touch(mode=0o600)
        page.write_text(f'<meta http-equiv="refresh" content="0; url={escape(url)}">')
        webbrowser.open(page.as_uri())
        yield


def _listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections already."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"no such host: {host!r}") from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"port {port} is taken: --port 0 takes any that is free") from error
        raise FastphashError(f"can't serve at {host}:{port}: {error.strerror}") from error
    return listener
