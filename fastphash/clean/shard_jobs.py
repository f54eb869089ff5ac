"""One new container of a clean tree: written in whichever thread or process has its turn.

Worker processes import this module, and no kernels with it.
"""

import os
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from fastphash.base.vocabulary import CleanMode
from fastphash.clean.outcome import CHANGED, NAME_TAKEN, WrittenShards, why_skipped
from fastphash.clean.samples import which_go, which_samples_stay
from fastphash.clean.shards import open_shard
from fastphash.clean.shards.shard import Range, Shard, copy_range
from fastphash.errors import FastphashError
from fastphash.files.assembled import Output, assemble_file
from fastphash.files.durable_transfer import ChangedError, link_file, symlink_file
from fastphash.files.own_copies import TakenError
from fastphash.sources.containers.input import FileInput
from fastphash.sources.containers.keys import key_rule
from fastphash.sources.local import LocalReader
from fastphash.sources.protocol import Stamp


class ShardJob(NamedTuple):
    """A container of a plan, to be copied as it was when it was hashed.

    Attributes
    ----------
    split : str
    container : bytes
        Its path in the split.
    file, destination : bytes
        Absolute names of the container and of the new one.
    stamp : Stamp
        Of the container when it was hashed.
    image_column, key : str or None
        As of `Origin`.
    mode : {"copy", "hardlink", "symlink"}
        What is made of a container that loses nothing.
    images : mapping of bytes to bool
        As of `SplitSamples.images`.
    """

    split: str
    container: bytes
    file: bytes
    destination: bytes
    stamp: Stamp
    image_column: str | None
    key: str | None
    mode: CleanMode
    images: Mapping[bytes, bool]

    def check(self) -> None:
        """Raise ChangedError unless the container is as it was."""
        if LocalReader(b"").stamp(self.file) != self.stamp:
            raise ChangedError(f"{CHANGED}: run the audit again")


class ShardOutcome(NamedTuple):
    """What became of a container.

    Attributes
    ----------
    split : str
    container : bytes
        As of the job.
    made : bool
        Whether this run made it, not an earlier one.
    counts : WrittenShards
    problem : str
        Why it couldn't be made.
    """

    split: str
    container: bytes
    made: bool = False
    counts: WrittenShards = WrittenShards()
    problem: str = ""

    def result(self) -> bool:
        """Whether this run made it; FastphashError says what kept it from that."""
        if self.problem:
            raise FastphashError(self.problem)
        return self.made


def write_shard(job: ShardJob) -> ShardOutcome:
    """Write or link a container."""
    try:
        made, counts = _make(job)
    except (FastphashError, OSError) as error:
        return ShardOutcome(job.split, job.container, problem=why_skipped(error))
    return ShardOutcome(job.split, job.container, made, counts)


def _make(job: ShardJob) -> tuple[bool, WrittenShards]:
    if all(job.images.values()):
        return _copy_whole(job), WrittenShards(containers=1, whole=1)
    with open_shard(job.file, job.image_column, job.key) as shard:
        stays = which_samples_stay(job.container, shard.members(), job.images)
        made = _copy_part(job, shard, stays)
    left = sum(stays.values())
    counts = WrittenShards(
        containers=1,
        whole=int(left == len(stays)),
        emptied=int(not left),
        samples=left,
        samples_gone=len(stays) - left,
    )
    return made, counts


def _copy_part(job: ShardJob, shard: Shard, stays: dict[bytes, bool]) -> bool:
    """Write what stays of a container; False if an earlier run did."""
    if all(stays.values()):
        return _copy_whole(job)
    if not any(stays.values()):
        job.check()
        if os.path.lexists(job.destination):
            raise TakenError(NAME_TAKEN)
        return False
    going = which_go(stays, key_rule(job.container, job.key))
    write = partial(shard.write, going)
    return assemble_file(job.destination, job.file, write, job.check)


def _copy_whole(job: ShardJob) -> bool:
    if job.mode == "hardlink":
        return link_file(job.file, job.destination)
    if job.mode == "symlink":
        return symlink_file(job.file, job.destination)
    return assemble_file(job.destination, job.file, partial(_write_all, job.file), job.check)


def _write_all(path: bytes, output: Output) -> None:
    file = FileInput(path)
    try:
        copy_range(file, Range(0, file.size), output)
    finally:
        file.close()
