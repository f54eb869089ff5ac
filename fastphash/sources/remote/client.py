"""Requests to buckets and web servers: what they hold, and its bytes."""

import contextlib
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from fastphash.base.system import return_freed_arrays
from fastphash.errors import RemoteError, UsageError
from fastphash.sources.protocol import Stamp
from fastphash.sources.remote.address import is_web, parse_address

# A request that fails is made again, by these rules. All of it ends before the time that a worker
# has for an image (`defaults.TIMEOUT`), so that the reason is the bucket's and not the worker's.
RETRIES: dict[str, Any] = {
    "max_retries": 8,
    "retry_timeout": timedelta(seconds=15),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}
_LIMITS = {
    "connect_timeout": timedelta(seconds=5),
    # without an answer, or without more of it
    "read_timeout": timedelta(seconds=8),
    "timeout": timedelta(minutes=10),
}
# answers to one request that may break off, one after the other: obstore doesn't ask again then
_BROKEN_ANSWERS = 5
# objects of one answer to a request for a list
_PAGE = 1000
_LONGEST_REASON = 300
_REFUSALS = ("401 Unauthorized", "403 Forbidden")
# where machines of a cloud ask for credentials if nobody has named any
_METADATA = ("/latest/api/token", "/latest/meta-data", "computeMetadata", "/metadata/identity")
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SKIP_SIGNATURE=true for a public "
    "bucket",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or GOOGLE_SKIP_SIGNATURE=true for a public bucket",
    "ab": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or AZURE_SKIP_SIGNATURE=true "
    "for a public container",
}
_VARIABLES = ("AWS_", "GOOGLE_", "AZURE_")
# requests that a process has under way
_AT_ONCE = 48
_REPLACED = "another object has its name now"


class ReplacedError(OSError):
    """An object isn't the one that was listed any more."""


class Fetched(NamedTuple):
    """Bytes of an object, and the stamp of the object that they are of."""

    data: bytes
    stamp: Stamp


def check_installed() -> None:
    """Raise UsageError if obstore isn't installed."""
    _obstore()


def list_objects(place: bytes) -> Iterator[tuple[bytes, Stamp]]:
    """Everything below a place of a bucket, by its path below it, in the order of the bucket.

    Raises
    ------
    RemoteError
        It can't be listed to its end.
    """
    base, prefix = parse_address(place)
    prefix = prefix.strip("/")
    skipped = len(prefix) + 1 if prefix else 0
    try:
        for page in _pages(base, prefix):
            for found in page:
                # one of the prefix itself stands for a folder
                if path := found["path"][skipped:]:
                    yield os.fsencode(path), _stamp(found)
    except (_obstore().exceptions.BaseError, ValueError) as error:
        raise RemoteError(f"can't list {os.fsdecode(place)!r}: {_reason(base, error)}") from error


def _pages(base: str, prefix: str) -> Iterator[list[Any]]:
    """Pages of a list; one that breaks off is asked for again, behind what came before."""
    last, broken = None, 0
    while True:
        pages = _obstore().list(_store(base), prefix or None, offset=last, chunk_size=_PAGE)
        try:
            for page in pages:
                yield page
                last, broken = page[-1]["path"], 0
        except _obstore().exceptions.BaseError as error:
            broken += 1
            if not _is_broken(error) or broken > _BROKEN_ANSWERS:
                raise
        else:
            return


def stamp_of(name: bytes) -> Stamp:
    """The stamp of an object as it is now: its size and ETag.

    Raises
    ------
    FileNotFoundError
        There is none.
    OSError
        It can't be asked for.
    """
    base, key = parse_address(name)
    with _translated(base):
        return _stamp(_obstore().head(_store(base), key))


def fetch(name: bytes, known: Stamp | None = None, span: tuple[int, int] | None = None) -> Fetched:
    """Fetch an object, or some of its bytes.

    Parameters
    ----------
    name : bytes
    known : Stamp, optional
        Of the object that is wanted: another one is refused.
    span : (int, int), optional
        First byte, and the one behind the last that is wanted.

    Raises
    ------
    FileNotFoundError
        There is none.
    ReplacedError
        It isn't the `known` one.
    OSError
        It can't be fetched.
    """
    base, key = parse_address(name)
    options: dict[str, Any] = {}
    # weak ones never match
    if known is not None and not known.etag.startswith("W/"):
        options["if_match"] = f'"{known.etag}"'
    if span is not None:
        options["range"] = span
    with _translated(base):
        for broken in count(1):
            answer = _obstore().get(_store(base), key, options=options)
            stamp = _stamp(answer.meta)
            if known is not None and stamp != known:
                raise ReplacedError(_REPLACED)
            try:
                return Fetched(bytes(answer.bytes()), stamp)
            except _obstore().exceptions.BaseError as error:
                if not _is_broken(error) or broken == _BROKEN_ANSWERS:
                    raise
    raise AssertionError


@cache
def request_threads() -> ThreadPoolExecutor:
    """Threads that wait for answers. obstore's own asynchronous calls abort a process that ends."""
    # each would keep some of the blocks that it has fetched, 100 MB in all
    return_freed_arrays()
    return ThreadPoolExecutor(_AT_ONCE, "requests")


@contextlib.contextmanager
def _translated(base: str) -> Iterator[None]:
    """What obstore raises becomes an OSError with a reason of one line."""
    exceptions = _obstore().exceptions
    try:
        yield
    except (exceptions.NotFoundError, FileNotFoundError) as error:
        what = "no such object (404)" if is_web(base) else "no such object, or no such bucket (404)"
        raise FileNotFoundError(2, what) from error
    except exceptions.PreconditionError as error:
        raise ReplacedError(_REPLACED) from error
    # the second is of names that no object can have: two slashes, or a folder ..
    except (exceptions.BaseError, ValueError) as error:
        raise OSError(_reason(base, error)) from error


def _stamp(meta: Any) -> Stamp:
    """What tells an object from another of its name: stores differ in quoting ETags."""
    etag = meta["e_tag"] or meta["last_modified"].isoformat()
    etag = etag if etag.startswith("W/") else etag.strip('"')
    return Stamp(meta["size"], 0, etag=etag if meta["e_tag"] else f"W/{etag}")


def _reason(base: str, error: Exception) -> str:
    """What obstore says, in one line, or what to do if it had no credentials."""
    said = str(error)
    exceptions = _obstore().exceptions
    if any(path in said for path in _METADATA):
        return f"no credentials: set {_CREDENTIALS[base[:2].lower()]}"
    refused = isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError)
    if refused or any(status in said for status in _REFUSALS):
        return "access is refused: check the credentials, and what they may read and list"
    # the error behind it follows, as Rust prints it
    first = " ".join(said.partition("\n\nDebug")[0].split())
    return re.sub(r"^Generic \w+ error: ", "", first)[:_LONGEST_REASON]


def _is_broken(error: Exception) -> bool:
    """Whether an answer began well, and broke off."""
    return "body error" in str(error)


def _store(base: str) -> Any:
    """A bucket or a web server; the environment says its endpoint and credentials."""
    return _opened(base, frozenset(_settings()))


def _settings() -> Iterator[tuple[str, str]]:
    """The variables that stores read: a program may set them after a first try without."""
    return (item for item in os.environ.items() if item[0].upper().startswith(_VARIABLES))


@cache
def _opened(base: str, _: frozenset[tuple[str, str]]) -> Any:
    stores = _obstore().store
    try:
        open_url = stores.HTTPStore.from_url if is_web(base) else stores.from_url
        limits = {**_LIMITS, "allow_http": _allows_http(base)}
        return open_url(base, client_options=limits, retry_config=RETRIES)
    except (_obstore().exceptions.BaseError, ValueError) as error:
        raise UsageError(f"can't use {base!r}: {_reason(base, error)}") from error


def _allows_http(base: str) -> bool:
    """Whether connections may be open: obstore doesn't look once it is given other limits."""
    if is_web(base):
        return base.lower().startswith("http:")
    variable = {"s3": "AWS", "gs": "GOOGLE"}.get(base[:2].lower(), "AZURE") + "_ALLOW_HTTP"
    return os.environ.get(variable, "").lower() in ("true", "1", "yes", "on")


@cache
def _obstore() -> Any:
    # its threads wait: many would only take address space, which workers have little of
    os.environ.setdefault("TOKIO_WORKER_THREADS", "2")
    try:
        import obstore
        import obstore.exceptions
        import obstore.store
    except ImportError as error:
        raise UsageError(
            "images in buckets and on web servers need obstore: pip install 'fastphash[s3]'"
        ) from error
    return obstore
