"""Everything that fastphash raises on purpose."""


class FastphashError(Exception):
    """Base of all errors below; its text is one line that a user can act on."""


class UsageError(FastphashError, ValueError):
    """An argument is wrong: nothing was read or written."""


class ImageError(FastphashError):
    """One image gave no hash.

    Attributes
    ----------
    stage : str
        ``"read"``, ``"identify"``, ``"decode"`` or ``"worker"``.
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


class TooManyPairsError(FastphashError):
    """A join would give more pairs than it was allowed to.

    Attributes
    ----------
    pairs, limit : int
        How many there are at least, and how many were allowed.
    """

    def __init__(
        self, pairs: int, limit: int, instead: str = "groups, which don't list pairs"
    ) -> None:
        super().__init__(
            f"the join has at least {pairs:,} pairs, more than the limit of {limit:,}: "
            f"raise it with --max-pairs (max_pairs), or use {instead}"
        )
        self.pairs = pairs
        self.limit = limit


class WorkerError(FastphashError):
    """Worker processes could not be started or went away for good."""
