"""Lists for loaders: which samples of containers stay, by number and by key."""

import os
import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.drafts import Drafts
from fastphash.clean.samples import SplitSamples, sample_of
from fastphash.errors import StoreError
from fastphash.files import atomic, parquet
from fastphash.files.parquet import NAME_TYPE
from fastphash.images.sniff import promises_image
from fastphash.sources.container_source import list_container, name_to_choose
from fastphash.sources.containers.format import Member
from fastphash.sources.member_paths import member_path, split_path
from fastphash.sources.origins import Origin
from fastphash.sources.protocol import Listing
from fastphash.store.schema import path_columns

KEEP_NUMBERS = "{}.keep.npy"
KEEP_KEYS = "{}.keys.parquet"
KEEP_UIDS = "{}.uids.npy"
#: A row for each image of a split, in the order of its containers.
KEYS_SCHEMA = pa.schema(
    [
        ("container", NAME_TYPE),
        ("key", pa.string()),
        ("path", pa.string()),
        ("keep", pa.bool_()),
        ("path_bytes", pa.binary()),
    ]
)
_UID = re.compile(rb"[0-9a-fA-F]{32}")


class _Image(NamedTuple):
    """An image of a split of containers.

    Attributes
    ----------
    container : bytes
    key, path : bytes
        As of `Member`, and within the split.
    sample : int
        Number of its sample.
    """

    container: bytes
    key: bytes
    path: bytes
    sample: int


def add_container_lists(
    plan: CheckedPlan, split: str, samples: SplitSamples, target: Path, drafts: Drafts
) -> None:
    """Write ``SPLIT.keep.npy`` and ``SPLIT.keys.parquet`` of a split of containers.

    The numbers, int64, are those of samples in the order of the containers, from 0: of Parquet
    files all rows; else samples with an image, where members of one key are one sample. A sample
    stays as long as an image of it does. If all keys are ids of DataComp, ``SPLIT.uids.npy`` has
    those that stay.

    Parameters
    ----------
    plan : CheckedPlan
    split : str
    samples : SplitSamples
    target : Path
        Folder of the lists.
    drafts : Drafts

    Raises
    ------
    StoreError
        A container has changed since it was hashed, or its images can't be listed any more.
    """
    images = list(_images(plan, split, samples))
    keep = [bool(samples.image_stays(image.path)) for image in images]
    stay = [image for image, stays in zip(images, keep, strict=True) if stays]
    numbers = np.unique(np.array([image.sample for image in stay], np.int64))
    drafts.add(target / KEEP_NUMBERS.format(split), partial(_write_array, numbers))
    text, exact = path_columns([image.path for image in images])
    columns = {
        "container": pa.array(_text(image.container) for image in images),
        "key": pa.array((_text(image.key) or None for image in images), pa.string()),
        "path": text,
        "keep": pa.array(keep, pa.bool_()),
        "path_bytes": exact,
    }
    table = pa.table({name: columns[name] for name in KEYS_SCHEMA.names}).cast(KEYS_SCHEMA)
    drafts.add(target / KEEP_KEYS.format(split), lambda path: parquet.write_table(path, table))
    if images and all(_UID.fullmatch(image.key) for image in images):
        uids = uids_of(image.key for image in stay)
        drafts.add(target / KEEP_UIDS.format(split), partial(_write_array, uids))


def uids_of(keys: Iterable[bytes]) -> NDArray[np.void]:
    """Ids of 32 hexadecimal digits as DataComp's lists have them: sorted, as two halves, u8,u8.

    >>> uids_of([b"00000000000000020000000000000001", b"0" * 31 + b"3"]).tolist()
    [(0, 3), (2, 1)]
    """
    halves = [(int(key[:16], 16), int(key[16:], 16)) for key in sorted({*map(bytes.lower, keys)})]
    return np.array(halves, np.dtype("u8,u8"))


def _images(plan: CheckedPlan, split: str, samples: SplitSamples) -> Iterator[_Image]:
    """The images of a split with the numbers of their samples, in the order of its containers."""
    origin, folder = plan.origin(split), plan.audited.store.roots[split]
    number = 0
    for container, record in origin.containers.items():
        root = os.fsencode(folder)
        listing = list_container(root, container, origin.image_column, origin.key)
        if record.is_whole and listing.stamp != record.stamp:
            raise StoreError(
                f"{os.path.join(folder, os.fsdecode(container))!r} has changed since it was "
                "hashed, so that its samples can't be numbered: run the audit again"
            )
        if listing.problem and not _lists_hashed(listing, plan, split, container):
            raise StoreError(
                f"{os.path.join(folder, os.fsdecode(container))!r} can't be listed, so that its "
                f"samples can't be numbered: {listing.problem}"
            )
        by_row = container.lower().endswith(b".parquet")
        places: dict[bytes, int] = {}
        for member in listing.members:
            sample = sample_of(container, member)
            path = member_path(container, member.name)
            stays = samples.image_stays(path)
            # loaders count images that patterns left out, too
            if by_row or stays is not None or _is_left_out(origin, container, member):
                at = places.setdefault(sample, len(places))
            if stays is not None:
                yield _Image(container, member.key, path, number + at)
        number += len(places)


def _is_left_out(origin: Origin, container: bytes, member: Member) -> bool:
    """Whether a member is an image by its name that the patterns of the audit left out."""
    left_out = origin.patterns.leave_out(name_to_choose(container, member))
    return left_out and promises_image(member.name)


def _lists_hashed(listing: Listing, plan: CheckedPlan, split: str, container: bytes) -> bool:
    """Whether all images of a container that have hashes are in its list."""
    listed = {member_path(container, member.name) for member in listing.members}
    paths = (plan.paths[row] for row in np.flatnonzero(plan.splits == split).tolist())
    return all(path in listed for path in paths if split_path(path)[0] == container)


def _text(name: bytes) -> str:
    return name.decode(errors="replace")


def _write_array(numbers: NDArray[Any], path: Path) -> None:
    with atomic.replacing(path) as temporary, open(temporary, "wb") as file:
        np.save(file, numbers)
