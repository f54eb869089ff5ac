"""Who may ask: the right host, the right token, the right page; nobody else, and not too much."""

import hmac
import ipaddress
import logging
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Bytes that a request may bring along; a form has less than 1000.
LARGEST_BODY = 16 << 10
#: Where what everybody may have is: the script and the style.
STATIC = "/static/"

_SAFE = ("GET", "HEAD")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; "
    "script-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    # none to others; with no-referrer browsers call the origin of a form "null"
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Access:
    """What a request must know.

    Attributes
    ----------
    host : str
        That the page is served at: a name or an address.
    port : int
    visit : str
        Secret of the printed URL and of the cookie that it is exchanged for.
    form : str
        Secret in every form of our own pages.
    """

    host: str
    port: int
    visit: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    form: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def origin(self) -> str:
        """Scheme, host and port to be opened; of any address, this machine's own."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def url(self) -> str:
        """What to open: it has the token."""
        return f"{self.origin}/?{urlencode({'token': self.visit})}"

    @property
    def cookie(self) -> str:
        """Name of the cookie; browsers keep those of all ports of a host together."""
        return f"fastphash-{self.port}"

    def knows_host(self, given: str) -> bool:
        """Whether a Host header names us.

        A name that an attacker's server resolves to our address is none of ours; where others may
        visit, any address does, because none has to be resolved.
        """
        host, separator, port = given.rpartition(":")
        if not separator or port.endswith("]"):
            host, port = given, "80"
        host = host.strip("[]").lower()
        if port != str(self.port):
            return False
        if host in (self.host.lower(), "127.0.0.1", "::1", "localhost"):
            return True
        return not is_loopback(self.host) and (_is_address(host) or host == socket.gethostname())


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    if host.lower() == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that tells nothing."""
    return hmac.compare_digest(one.encode(), other.encode())


class Guard:
    """Lets requests through to an app that come from whom they should.

    Parameters
    ----------
    app : ASGI application
    access : Access
    refuse : callable
        Makes a response of a request, a status and a sentence.
    welcome : callable
        Makes a response of a request and the URL to go on to.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        refuse: Callable[[Request, int, str], Response],
        welcome: Callable[[Request, str], Response],
    ) -> None:
        self._app = app
        self._access = access
        self._refuse = refuse
        self._welcome = welcome

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        request = Request(scope)
        refused = self._refused(request)
        try:
            if refused is None:
                body = await _body(receive)
                if body is None:
                    refused = self._refuse(request, 413, "That is too much.")
            if refused is None:
                await self._app(scope, _again(body or b""), answer)
                return
        except Exception as error:  # a page that fails is no reason to stop, nor for a traceback
            _log.error("%s %s failed: %r", scope["method"], scope["path"], error)
            if started:
                return
            refused = self._refuse(request, 500, "Something went wrong; the terminal says what.")
        await refused(scope, receive, answer)

    def _refused(self, request: Request) -> Response | None:
        """The answer to a request that doesn't get through."""
        if not self._access.knows_host(request.headers.get("host", "")):
            return self._refuse(
                request, 403, "This is not the address that is served: open the printed one."
            )
        if request.method not in _SAFE and not self._is_own(request.headers):
            return self._refuse(request, 403, "Only pages of this inspector may send that.")
        cookie = request.cookies.get(self._access.cookie, "")
        if request.url.path.startswith(STATIC) or same(cookie, self._access.visit):
            return None
        if request.method in _SAFE and same(
            request.query_params.get("token", ""), self._access.visit
        ):
            return self._let_in(request)
        return self._refuse(
            request, 403, "Open the URL that fastphash inspect printed: it has a token."
        )

    def _is_own(self, headers: Headers) -> bool:
        """Whether a page of this very origin sends this."""
        site = headers.get("sec-fetch-site")
        if site is not None and site != "same-origin":
            return False
        origin = headers.get("origin")
        if origin in (None, "null"):
            return site == "same-origin"
        return origin == f"http://{headers['host']}"

    def _let_in(self, request: Request) -> Response:
        """Exchange the token for a cookie, and go on without it in the URL.

        By a page of ours and no redirect: a browser that comes from elsewhere, a file or another
        site, sends no strict cookie along with what it is redirected to.
        """
        rest = [(k, v) for k, v in parse_qsl(request.url.query) if k != "token"]
        # a path that begins with // would be another host's
        path = "/" + request.url.path.lstrip("/")
        response = self._welcome(request, f"{path}?{urlencode(rest)}" if rest else path)
        response.set_cookie(
            self._access.cookie, self._access.visit, httponly=True, samesite="strict"
        )
        return response


async def _body(receive: Receive) -> bytes | None:
    """What a request brings along, or None if that is too much."""
    body = bytearray()
    while len(body) <= LARGEST_BODY:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return bytes(body) if len(body) <= LARGEST_BODY else None


def _again(body: bytes) -> Receive:
    """Give a body that has been read."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
