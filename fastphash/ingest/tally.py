"""Counts of the inputs of a split."""

from dataclasses import dataclass, field

from fastphash.errors import FastphashError


@dataclass(slots=True)
class Tally:
    """Counts of the inputs of a split, by what became of them in a run.

    Attributes
    ----------
    inputs : int
        All that are there: hashed + kept + rejected + skipped.
    hashed : int
        New or changed, with a hash now.
    kept : int
        Unchanged since they were hashed.
    rejected : int
        Images that can't be hashed.
    skipped : int
        Files that aren't images.
    changed : int
        Rows of the store whose files were hashed, or rejected, again.
    gone : int
        Rows that were dropped, because their files are gone.
    missing : int
        Rows that were kept although their files are gone.
    hidden : int
        Hidden files and folders that were left out. They are no inputs.
    excluded : int
        Files and folders that patterns left out by their names. They are no inputs.
    masks : int
        Masks of images, by their folders, that were left out. They are no inputs.
    mask_folders : dict of str to int
        These by the pair of folders that tells of them, such as "images=gt".
    unfinished : int
        Images that were left out because a move of them was interrupted. They are no inputs.
    containers : dict of str to int
        Tar, zip and Parquet files among the skipped ones, by a pattern that names them.
    """

    inputs: int = 0
    hashed: int = 0
    kept: int = 0
    rejected: int = 0
    skipped: int = 0
    changed: int = 0
    gone: int = 0
    missing: int = 0
    hidden: int = 0
    excluded: int = 0
    masks: int = 0
    mask_folders: dict[str, int] = field(default_factory=dict)
    unfinished: int = 0
    containers: dict[str, int] = field(default_factory=dict)

    def check(self, split: str) -> None:
        """Raise FastphashError if an input is unaccounted for."""
        counted = self.hashed + self.kept + self.rejected + self.skipped
        if counted != self.inputs:
            raise FastphashError(
                f"of {self.inputs:,} inputs of split {split!r} {counted:,} are accounted for: "
                "this is a fault of fastphash, please report it"
            )
