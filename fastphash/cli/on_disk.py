"""Joins that use the disk: whether, where, and what is said of it."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastphash.cli.engine_options import EngineOptions
from fastphash.cli.file_options import TableFile
from fastphash.cli.hash_quality import ComparedOptions
from fastphash.errors import UsageError

if TYPE_CHECKING:
    from fastphash.external.join import DiskJoin
    from fastphash.external.scratch import Scratch
    from fastphash.external.streams import HashStream
    from fastphash.verification.criteria import CopyCriteria

_ENDING = ".scratch"


@dataclass(frozen=True, slots=True)
class JoinedOptions(ComparedOptions):
    """Which hashes are compared, and the folder for that, if one is named."""

    scratch: Path | None

    def folder(
        self, targets: Iterable[str], output: TableFile, memory: int | None, engine: EngineOptions
    ) -> Path | None:
        """Where to join on the disk; None if the hashes fit into memory and nobody asks for it."""
        from fastphash.external.scratch import check_folder
        from fastphash.files.own_names import with_room

        if self.scratch is not None:
            if output.table_form is None:
                raise UsageError("`scratch` is not for the JSON of the paper's scripts")
            if engine.on_spark:
                raise UsageError("`scratch` is for --engine local: Spark has folders of its own")
            check_folder(self.scratch)
            return self.scratch
        path = output.path
        if path is None or output.table_form is None or engine.on_spark:
            return None
        if not _exceed([*targets], self, memory):
            return None
        name = with_room(os.fsencode(path.name), len(_ENDING))
        return path.with_name(os.fsdecode(name) + _ENDING)


def _exceed(targets: Sequence[str], reading: ComparedOptions, memory: int | None) -> bool:
    """Whether hashes that can be read in parts don't fit into memory; said on stderr."""
    from fastphash.base.machine import free_memory
    from fastphash.external.opening import count_hash_bytes
    from fastphash.external.scratch import show_bytes

    sizes = [count_hash_bytes(one, reading.columns, reading.algorithm) for one in targets]
    allowed = free_memory() // 2 if memory is None else memory
    if not all(sizes) or sum(sizes) <= allowed:
        return False
    which = "half of the free memory" if memory is None else "--memory"
    click.echo(
        f"The hashes take {show_bytes(sum(sizes))}, more than {which}, {show_bytes(allowed)}: "
        "they are searched on the disk.",
        err=True,
    )
    return True


def open_side(
    targets: Sequence[str], reading: ComparedOptions, *, read_others: bool = False
) -> "HashStream":
    """Stores and tables, to be read in parts; those of one side.

    `read_others` has tables that can't be read in parts read at once.
    """
    from fastphash.external.opening import open_or_read, open_streams

    opening = open_or_read if read_others else open_streams
    return opening(targets, reading.columns, reading.algorithm)


@contextlib.contextmanager
def joining(
    left: "HashStream",
    right: "HashStream | None",
    criteria: "CopyCriteria",
    folder: Path,
    max_pairs: int | None = None,
) -> "Iterator[tuple[DiskJoin, Scratch]]":
    """A join on the disk, after a look at whether there is room, with what it needs said."""
    from fastphash.external.join import DiskJoin
    from fastphash.external.plans import Sides
    from fastphash.external.scratch import check_space, show_bytes, using_scratch

    join = DiskJoin(Sides(left, right), criteria.radius, criteria.options, max_pairs)
    with using_scratch(folder, join.key) as scratch:
        doing = "Going on" if scratch.has_files else "Working"
        check_space(scratch, join.needed_bytes)
        needed = show_bytes(join.needed_bytes)
        click.echo(
            f"{doing} in {str(folder)!r}: up to {needed} for a while, and 16 bytes a pair.",
            err=True,
        )
        yield join, scratch


def has_kept(folder: Path | None) -> bool:
    """Whether the next run finds anything on the disk to go on with."""
    from fastphash.external.scratch import has_joins

    return folder is not None and has_joins(folder)
