"""Everything that fastphash raises on purpose.

A message names a parameter in backquotes: "`k` must be at least 1". The command line prints the
option in its place.
"""


class FastphashError(Exception):
    """Base of all errors below; its text is one line that a user can act on."""


class UsageError(FastphashError, ValueError):
    """An argument is wrong: nothing was read or written."""


class ImageError(FastphashError):
    """One image gave no hash.

    Attributes
    ----------
    stage : str
        Where it failed: ``"read"``, ``"identify"``, ``"decode"`` or ``"worker"``. Rejected inputs
        have a fifth, ``"list"``: a folder that can't be listed.
    reason : str
        What went wrong there, in one line.
    """

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage = stage
        self.reason = reason


class StoreError(FastphashError):
    """A store, hash file or result folder is missing, damaged or not what it should be."""


class DefinitionError(StoreError):
    """Two sets of hashes were made in different ways and can't be compared."""


class RemoteError(FastphashError):
    """A bucket can't be listed, so that nobody knows which of its images are gone."""


class TooManyPairsError(FastphashError):
    """A join has more pairs than its limit.

    Attributes
    ----------
    pairs, limit : int
        How many pairs there are at least, and how many were allowed.
    """

    def __init__(
        self, pairs: int, limit: int, instead: str = "groups, which don't list pairs"
    ) -> None:
        super().__init__(
            f"the join has at least {pairs:,} pairs, more than the limit of {limit:,}: "
            f"raise it with `max_pairs`, or use {instead}"
        )
        self.pairs = pairs
        self.limit = limit


class WorkerError(FastphashError):
    """Worker processes can't be started, or keep dying."""
