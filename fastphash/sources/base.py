"""What a source of images offers, whatever it reads from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One input of a split.

    Attributes
    ----------
    path : bytes
        Relative to the split's root.
    problem : str or None
        Why it can't be read at all: a folder that may not be listed.
    special : bool
        Neither a file nor a folder: a pipe, a socket, a device.
    """

    path: bytes
    problem: str | None = None
    special: bool = False
