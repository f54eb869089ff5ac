"""What became of the inputs of a split."""

from dataclasses import dataclass

from fastphash.errors import FastphashError


@dataclass(slots=True)
class Tally:
    """What became of the inputs of a split.

    Attributes
    ----------
    inputs : int
        Everything that was found: hashed + kept + rejected + skipped.
    hashed : int
        New or changed, with a hash now.
    kept : int
        Unchanged since they were hashed.
    rejected, skipped : int
        Without a hash: images that can't be read, and files that are none.
    changed, gone, missing : int
        Of the rows that the store had: hashed (or rejected) again; dropped, for their files are
        gone; kept although they are gone.
    """

    inputs: int = 0
    hashed: int = 0
    kept: int = 0
    rejected: int = 0
    skipped: int = 0
    changed: int = 0
    gone: int = 0
    missing: int = 0

    def check(self, split: str) -> None:
        """Raise FastphashError if an input is unaccounted for."""
        found = self.hashed + self.kept + self.rejected + self.skipped
        if found != self.inputs:
            raise FastphashError(
                f"of {self.inputs:,} inputs of split {split!r} {found:,} are accounted for: "
                "this is a fault of fastphash, please report it"
            )
