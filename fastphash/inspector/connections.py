"""Connections of the web server: how many there are, and how long they may wait for a client."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Iterator

from uvicorn.protocols.http.h11_impl import H11Protocol

#: Connections at once; a browser opens six.
MOST_CONNECTIONS = 100
#: Seconds that a client has to send a request, and to take the answer.
PATIENCE = 10.0
#: Bytes that a client may send before it gets an answer, its form aside.
MOST_AHEAD = 64 << 10

# seconds after which a message may be logged again
_QUIET = 60.0
# these log what clients cause, as often as they like
_LOGGERS = ("asyncio", "uvicorn.error")


class BoundedConnection(H11Protocol):
    """A connection that is cut when its client keeps the server waiting.

    A client may take `PATIENCE` seconds for a request with its body, and as many for the answer.
    Where there are too many connections, the one that has waited longest for its client is cut.
    """

    _waits_since: float | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for a connection, and wait for its first request."""
        super().connection_made(transport)
        self._wait_for_client()
        if len(self.connections) > MOST_CONNECTIONS:
            self._longest_waiting()._cut()  # noqa: SLF001 - of this class

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or was cut."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Go on with a request; the time that is left for it stays as it is."""
        super().data_received(data)
        # requests that wait for the answer to another are held in memory: browsers send none
        ahead, _ = self.conn.trailing_data
        if len(ahead) > MOST_AHEAD:
            self._cut()
        self._stop_waiting_if_answering()

    def on_response_complete(self) -> None:
        """Wait until the client has taken the answer and sends the next request."""
        self._wait_for_client()
        super().on_response_complete()
        # the next request may have been there already
        self._stop_waiting_if_answering()

    def pause_writing(self) -> None:
        """Wait for a client that doesn't take an answer."""
        self._wait_for_client()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Go on with an answer."""
        super().resume_writing()
        self._stop_waiting_if_answering()

    def _stop_waiting_if_answering(self) -> None:
        """Stop waiting if a whole request has come, and its answer can be sent but isn't yet."""
        has_request = self.cycle is not None and not self.cycle.more_body
        if has_request and not self.cycle.response_complete and not self.flow.write_paused:
            self._stop_waiting()

    def _wait_for_client(self) -> None:
        self._stop_waiting()
        self._waits_since = time.monotonic()
        self._timer = self.loop.call_later(PATIENCE, self._cut)

    def _cut(self) -> None:
        """Close the connection now, whatever is still to be sent."""
        self._stop_waiting()
        # it is lost a little later: until then it must not be counted, or chosen again
        self.connections.discard(self)
        self.transport.abort()

    def _stop_waiting(self) -> None:
        self._waits_since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _longest_waiting(self) -> "BoundedConnection":
        """The connection to cut; the newest one if all others are being answered."""
        return min(
            (c for c in self.connections if isinstance(c, BoundedConnection)),
            key=lambda connection: connection._waits_since or math.inf,  # noqa: SLF001
        )


@contextlib.contextmanager
def seldom_logged() -> Iterator[None]:
    """Log each message of the server once a minute at most, in one line: clients cause them."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    seldom = _Seldom()
    for logger in loggers:
        logger.addFilter(seldom)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(seldom)


class _Seldom(logging.Filter):
    """Lets a message pass that was not logged in the last minute."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is logged; it loses its traceback, and the lines after its first."""
        # the text without its values: there are few of these
        text, *_ = str(record.msg).splitlines() or [""]
        now = time.monotonic()
        if now - self._logged.get(text, -_QUIET) < _QUIET:
            return False
        self._logged[text] = now
        reason = record.exc_info[1] if record.exc_info else None
        record.msg = text if reason is None else f"{text}: {reason}"
        record.exc_info = record.exc_text = None
        return True
