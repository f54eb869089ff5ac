"""Which requests are let in: those with the right host, token and origin, and a small body."""

import hmac
import ipaddress
import logging
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastphash.base.text import printable

#: Bytes of the largest body of a request; a form has less than 1000.
LARGEST_BODY = 16 << 10
#: Path of the files that need no token: the script, the style and the icon.
STATIC = "/static/"

_SAFE = ("GET", "HEAD")
# seconds until a browser forgets the cookie: half a day of work
_COOKIE_AGE = 12 * 60 * 60
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; "
    "script-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    # no referrer for others; with "no-referrer" browsers send forms with the origin "null"
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_log = logging.getLogger(__name__)


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Access:
    """Where the inspector is served, and the secrets that let requests in.

    Attributes
    ----------
    host : str
        Name or address.
    port : int
    visit : str
        Secret in the printed URL, which is exchanged for the cookie.
    folder : str
        Secret that the paths of all pages begin with.
    session : str
        Secret in the cookie.
    form : str
        Secret in every form of the inspector's pages.
    """

    host: str
    port: int
    visit: str = field(default_factory=_new_secret)
    folder: str = field(default_factory=_new_secret)
    session: str = field(default_factory=_new_secret)
    form: str = field(default_factory=_new_secret)

    @property
    def origin(self) -> str:
        """Scheme, host and port to open; if it is served at all addresses, the loopback address."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL to open, with the token."""
        return f"{self.origin}/?{urlencode({'token': self.visit})}"

    @property
    def base(self) -> str:
        """What the paths of all pages begin with; / follows.

        Browsers send a cookie to every port of its host, and so to servers of other users, but
        only with paths like its own. Nobody else can know this one.
        """
        return f"/{self.folder}"

    @property
    def cookie(self) -> str:
        """Name of the cookie; has the port, because servers of one host share their cookies."""
        return f"fastphash-{self.port}"

    def lets_in(self, request: Request) -> bool:
        """Whether a request has the path of our pages, and the cookie.

        Other servers of the host can set cookies of the same name: any of them will do.
        """
        folder = request.scope["path"].removeprefix("/").partition("/")[0]
        return same_secret(folder, self.folder) and any(
            same_secret(value.strip(), self.session)
            for header in request.headers.getlist("cookie")
            for name, _, value in (part.partition("=") for part in header.split(";"))
            if name.strip() == self.cookie
        )

    def knows_host(self, header: str) -> bool:
        """Whether a Host header names this server.

        Other names are refused: an attacker can make a name resolve to this address. Addresses
        need no resolving, so any of them will do where other machines may visit.
        """
        host, separator, port = header.rpartition(":")
        if not separator or port.endswith("]"):
            host, port = header, "80"
        host = host.strip("[]").lower()
        if port != str(self.port):
            return False
        if host in (self.host.lower(), "127.0.0.1", "::1", "localhost"):
            return True
        return not is_loopback(self.host) and (_is_address(host) or host == socket.gethostname())


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host."""
    if host.lower() == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def same_secret(given: str, secret: str) -> bool:
    """Whether a secret is the right one; the time that this takes doesn't depend on it."""
    return hmac.compare_digest(given.encode(), secret.encode())


class Guard:
    """Middleware that lets only allowed requests through.

    Parameters
    ----------
    app : ASGI application
    access : Access
    refuse : callable
        Makes a response from a request, a status and a sentence.
    welcome : callable
        Makes a response from a request and the URL to go on to.
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
        try:
            refusal = self._refusal(request)
            if refusal is None:
                body = await _read_body(receive)
                if body is None:
                    refusal = self._refuse(request, 413, "The request is too large.")
            if refusal is None:
                await self._app(scope, _replay(body or b""), answer)
                return
        except ClientDisconnect:
            # half a form is none
            return
        except Exception as error:  # the server goes on, and prints one line, no traceback
            _log.error("%s %s failed: %r", scope["method"], printable(scope["path"]), error)
            if started:
                return
            refusal = self._refuse(request, 500, "Something went wrong; the terminal says what.")
        await refusal(scope, receive, answer)

    def _refusal(self, request: Request) -> Response | None:
        """The answer to a request that isn't let through; None if it is."""
        if not self._access.knows_host(request.headers.get("host", "")):
            return self._refuse(
                request, 403, "The inspector has another address: open the URL that it printed."
            )
        if request.method not in _SAFE and not self._is_same_origin(request.headers):
            return self._refuse(request, 403, "Only pages of this inspector may send forms.")
        if request.scope["path"].startswith(STATIC) or self._access.lets_in(request):
            return None
        if request.method in _SAFE and same_secret(
            request.query_params.get("token", ""), self._access.visit
        ):
            return self._welcome_in(request)
        return self._refuse(
            request, 403, "Open the URL that fastphash inspect printed: it has a token."
        )

    def _is_same_origin(self, headers: Headers) -> bool:
        """Whether a page of this origin sends the request."""
        site = headers.get("sec-fetch-site")
        if site is not None and site != "same-origin":
            return False
        origin = headers.get("origin")
        if origin in (None, "null"):
            return site == "same-origin"
        return origin == f"http://{headers['host']}"

    def _welcome_in(self, request: Request) -> Response:
        """Exchange the token for a cookie, and go on to the same URL without the token.

        A page goes on, not a redirect: a browser that comes from a file or another site doesn't
        send a strict cookie when it follows a redirect.
        """
        rest = [(name, value) for name, value in parse_qsl(request.url.query) if name != "token"]
        path = self._access.base + quote(request.scope["path"])
        response = self._welcome(request, f"{path}?{urlencode(rest)}" if rest else path)
        response.set_cookie(
            self._access.cookie,
            self._access.session,
            max_age=_COOKIE_AGE,
            path=f"{self._access.base}/",
            httponly=True,
            samesite="strict",
        )
        return response


async def _read_body(receive: Receive) -> bytes | None:
    """The body of a request; None if it is too large; ClientDisconnect if it ends too early."""
    body = bytearray()
    while len(body) <= LARGEST_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return bytes(body) if len(body) <= LARGEST_BODY else None


def _replay(body: bytes) -> Receive:
    """Give an app the body that has been read."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
