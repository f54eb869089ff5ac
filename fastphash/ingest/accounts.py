"""What became of every input of a run, by split."""

from collections.abc import Iterable

import pyarrow as pa

from fastphash.files import parquet
from fastphash.ingest.batch import Batch, Rejection
from fastphash.ingest.tables import rejected_table
from fastphash.ingest.tally import Tally
from fastphash.sources.unread_containers import naming_pattern


class Accounts:
    """Counts of the inputs of some splits, and those that were rejected.

    Attributes
    ----------
    tallies : dict of str to Tally
    """

    def __init__(self, splits: Iterable[str]) -> None:
        self.tallies = {split: Tally() for split in splits}
        self._rejected: dict[str, list[Rejection]] = {split: [] for split in self.tallies}

    def count_batch(self, split: str, batch: Batch) -> None:
        """Count what became of the inputs of a batch."""
        tally = self.tallies[split]
        tally.hashed += len(batch.paths)
        tally.rejected += len(batch.rejected)
        tally.skipped += len(batch.skipped)
        tally.kept += len(batch.unchanged)
        self._rejected[split] += batch.rejected

    def count_containers(self, split: str, root: bytes, skipped: Iterable[bytes]) -> None:
        """Count the containers among skipped files of a folder, by patterns that name them."""
        found = self.tallies[split].containers
        for pattern in filter(None, (naming_pattern(root, path) for path in skipped)):
            found[pattern] = found.get(pattern, 0) + 1

    def reject(self, split: str, rejection: Rejection) -> None:
        """Count an input that is rejected without being hashed."""
        self.tallies[split].rejected += 1
        self._rejected[split].append(rejection)

    def check(self) -> None:
        """Raise FastphashError if an input is unaccounted for."""
        for split, tally in self.tallies.items():
            tally.check(split)

    def skipped(self, before: dict[str, int]) -> dict[str, int]:
        """Skipped inputs of all splits, given those `before` the run."""
        return before | {split: tally.skipped for split, tally in self.tallies.items()}

    def rejected(self, before: pa.Table) -> pa.Table:
        """Rejected inputs of all splits, given those `before` the run: REJECTED_SCHEMA."""
        is_other = [split not in self.tallies for split in before["split"].to_pylist()]
        of_others = before.filter(pa.array(is_other, pa.bool_()))
        # in canonical order, however many runs it took to find them
        ordered = {
            split: sorted(rejections, key=lambda rejection: rejection.path.split(b"/"))
            for split, rejections in self._rejected.items()
        }
        return parquet.plain(pa.concat_tables([of_others, rejected_table(ordered)]))
