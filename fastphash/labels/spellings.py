"""Spellings of a file name that mean the same file: of URLs, of Unicode, and of case."""

import unicodedata
from collections.abc import Callable
from urllib.parse import unquote


def parts_of(name: bytes) -> list[bytes]:
    """The folders and the file of a name; a backslash separates them, too."""
    return [part for part in name.replace(b"\\", b"/").split(b"/") if part not in {b"", b"."}]


def from_url(name: bytes) -> bytes:
    """A name without the query or fragment of a URL, and with percent signs decoded.

    >>> from_url(b"https://example.org/x/a%20b.jpg?size=2#top")
    b'https:/example.org/x/a b.jpg'
    """
    text = _decode(name)
    if ":/" in text:
        text = text.partition("#")[0]
    # a name may hold any byte, %E9 as well
    text = unquote(text.partition("?")[0], errors="surrogateescape")
    return b"/".join(parts_of(_encode(text)))


def in_one_unicode_form(name: bytes) -> bytes:
    """A name from a URL or not, in Unicode's composed form: macOS writes names decomposed."""
    return _encode(unicodedata.normalize("NFC", _decode(from_url(name))))


def in_one_case(name: bytes) -> bytes:
    """A name from a URL or not, in one Unicode form and without differences of case."""
    text = _decode(in_one_unicode_form(name)).casefold()
    return _encode(unicodedata.normalize("NFC", text))


#: From what differs least to what differs most, each with what it is called.
SPELLINGS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("URL", from_url),
    ("Unicode form", in_one_unicode_form),
    ("case", in_one_case),
)


def _decode(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
