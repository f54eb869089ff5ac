"""What an audit refuses: options and folders before it hashes, splits without images after."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from fastphash.audits.options import AuditOptions
from fastphash.base.text import count
from fastphash.errors import FastphashError, UsageError
from fastphash.ingest.options import IngestOptions
from fastphash.ingest.tally import Tally
from fastphash.results.audit_folder import HASHES
from fastphash.sources.protocol import Source
from fastphash.sources.unread_containers import unread_in_words
from fastphash.store.schema import stored_algorithms
from fastphash.store.store import is_store, open_store


def check_splits_named(sources: Sequence[Source], options: AuditOptions) -> None:
    """Raise UsageError if an option names a split that isn't audited."""
    splits = {source.split for source in sources}
    for parameter, names in (
        ("keep_in", options.keep_in),
        ("coco", options.labels.coco),
        ("tables", options.labels.tables),
    ):
        for name in names:
            if name not in splits:
                there = ", ".join(sorted(splits))
                raise UsageError(
                    f"`{parameter}` names {name!r}, which is no split of this audit: there are "
                    f"{there}"
                )


def check_hashes_made(store: Path, ingest: IngestOptions, proposing: Sequence[str]) -> None:
    """Raise UsageError if pairs are to be proposed by hashes that no image will have."""
    made = {ingest.definition.algorithm, *ingest.layout.further}
    if proposing and is_store(store):
        there = open_store(store)
        made |= {one.name for one in stored_algorithms(there.definition, there.layout)}
    for name in proposing:
        if name not in made:
            raise UsageError(f"`propose` names {name!r}, which is not made: add it to `hashes`")


def check_output(out: Path) -> None:
    """Raise UsageError if a folder holds something other than an audit."""
    if not out.exists() or is_store(out / HASHES):
        return
    if not out.is_dir() or any(path.name != HASHES for path in out.iterdir()):
        what = "is a store" if is_store(out) else "exists and is no audit"
        raise UsageError(f"{str(out)!r} {what}: name a new folder with `out`")


def check_images(
    sources: Sequence[Source],
    tallies: dict[str, Tally],
    rejected: pa.Table,
    names: Path | None = None,
) -> None:
    """Raise FastphashError for a split without an image, with the most frequent reason.

    Parameters
    ----------
    sources : sequence of Source
    tallies : dict of str to Tally
        By split.
    rejected : pyarrow.Table
        Inputs without a hash: `REJECTED_SCHEMA`.
    names : Path, optional
        The file that lists them.
    """
    for source in sources:
        tally = tallies[source.split]
        if not tally.inputs + tally.missing + tally.hidden + tally.excluded:
            where = "the list of its files" if source.listed else os.fsdecode(source.root)
            raise FastphashError(f"split {source.split!r} has no images: {where} is empty")
        if not tally.hashed + tally.kept + tally.missing:
            raise FastphashError(
                f"split {source.split!r} has no images: in {os.fsdecode(source.root)} "
                f"{count(tally.rejected, 'file was', 'files were')} rejected"
                f"{_why_rejected(source.split, rejected)} and {tally.skipped:,} skipped"
                + "".join(f"; {remark}" for remark in _remarks(source.split, tally, names))
            )


def _remarks(split: str, tally: Tally, names: Path | None) -> Iterator[str]:
    """What was left out or not read, and where rejected files are listed."""
    if tally.hidden:
        what = count(tally.hidden, "hidden file or folder was", "hidden files and folders were")
        yield f"{what} left out: `hidden`"
    if tally.excluded:
        what = count(tally.excluded, "file or folder was", "files and folders were")
        yield f"{what} left out by `include` and `exclude`"
    yield from unread_in_words(split, tally.containers)
    if names and tally.rejected > 1:
        yield f"{names} lists them"


def _why_rejected(split: str, rejected: pa.Table) -> str:
    """The most frequent reason in brackets; nothing if there are no rejected inputs."""
    rows = rejected.filter(pc.equal(rejected["split"].cast(pa.string()), split))
    if not rows.num_rows:
        return ""
    reason, times = Counter(rows["reason"].to_pylist()).most_common(1)[0]
    if rows.num_rows == 1:
        return f" ({rows['path'][0].as_py()!r}: {reason})"
    return f" ({'all' if times == rows.num_rows else f'{times:,} of them'}: {reason})"
