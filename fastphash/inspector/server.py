"""The web server that serves the pages."""

import contextlib
import errno
import socket
import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

import uvicorn

from fastphash.base.progress import Progress, no_progress
from fastphash.base.system import claim_port, return_freed_arrays
from fastphash.errors import FastphashError, UsageError
from fastphash.inspector.access import Access
from fastphash.inspector.connections import BoundedConnection, seldom_logged
from fastphash.inspector.routes import make_app
from fastphash.results.audit_folder import AuditFolder

# seconds to finish requests when the server is told to end
_GRACE = 2
# connections that are accepted at one go, before there are too many
_BACKLOG = 100
_LARGEST_HEADERS = 32 << 10


def serve(
    audited: AuditFolder,
    host: str,
    port: int,
    ready: Callable[[str], None],
    progress: Progress = no_progress,
) -> None:
    """Serve the inspector of an audit until a signal ends it; the signal is then raised again.

    Parameters
    ----------
    audited : AuditFolder
    host : str
        Name or address to listen on.
    port : int
        0 takes any free port.
    ready : callable
        Told the URL, with its token, once it can be opened.
    progress : Progress
        Told how many parts of the store have been read.

    Raises
    ------
    UsageError
        There is no such host, or the port is taken.
    FastphashError
        It can't be served there for another reason.
    StoreError
        Groups, decisions or label conflicts are damaged.
    """
    return_freed_arrays()
    with _listening(host, port) as listener, seldom_logged():
        access = Access(host, listener.getsockname()[1])
        app = make_app(audited, access, progress)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="asyncio",
                http=BoundedConnection,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=_BACKLOG,
                h11_max_incomplete_event_size=_LARGEST_HEADERS,
                timeout_graceful_shutdown=_GRACE,
            )
        )
        ready(access.url)
        server.run(sockets=[listener])


@contextlib.contextmanager
def browser(url: str) -> Iterator[None]:
    """Open a URL in the user's browser.

    A file that only the user can read leads there: the URL has a token, and everybody can see the
    arguments that programs are started with.
    """
    with tempfile.TemporaryDirectory(prefix="fastphash-") as folder:
        page = Path(folder) / "inspect.html"
        page.touch(mode=0o600)
        page.write_text(f'<meta http-equiv="refresh" content="0; url={escape(url)}">')
        webbrowser.open(page.as_uri())
        yield


def _listening(host: str, port: int) -> socket.socket:
    """A socket that accepts connections."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"no such host: {host!r}") from error
    family, kind, protocol, _, address = addresses[0]
    listener = socket.socket(family, kind, protocol)
    try:
        claim_port(listener)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"port {port} is taken: `port` 0 takes any that is free") from error
        raise FastphashError(f"can't serve at {host}:{port}: {error.strerror}") from error
    return listener
