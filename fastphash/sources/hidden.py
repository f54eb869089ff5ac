"""Names that are no part of a data set: hidden ones, and those that systems leave in folders."""

# of Windows, macOS and network drives; in lower case
_LEFT_BEHIND = frozenset(
    {
        b"$recycle.bin",
        b"@eadir",
        b"__macosx",
        b"desktop.ini",
        b"ehthumbs.db",
        b"system volume information",
        b"thumbs.db",
    }
)


def is_hidden(name: bytes) -> bool:
    """Whether a walk leaves out a file or folder of this name, unless it is asked for.

    >>> [is_hidden(name) for name in (b".git", b"._x.jpg", b"__MACOSX", b"x.jpg")]
    [True, True, True, False]
    """
    return name.startswith(b".") or name.lower() in _LEFT_BEHIND
