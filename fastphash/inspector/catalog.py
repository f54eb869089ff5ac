"""The groups of an audit: images by number and by name."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import COLOURS, KINDS, ORIENTATIONS
from fastphash.files import parquet
from fastphash.inspector.columns import NONE, read_columns
from fastphash.inspector.details import read_details
from fastphash.inspector.name_index import NameIndex
from fastphash.inspector.page_state import Filter
from fastphash.inspector.selection import Selection
from fastphash.results.audit_folder import AuditFolder
from fastphash.results.decisions import Image
from fastphash.results.pair_parts import PairParts
from fastphash.sources.protocol import Stamp
from fastphash.store.schema import exact_paths
from fastphash.store.stamps import STAMPS, stamp_at, stamps_of


@dataclass(frozen=True, slots=True)
class Row:
    """One image of a group. Kind, distance, orientation, score and colour relate it to its keeper.

    Attributes
    ----------
    number : int
        Row of groups.parquet.
    group, keeper : int
        Number of its group, and row of the group's keeper.
    image : Image
    path : str
        Its path, as text.
    kind : str
        Empty for a keeper.
    distance, orientation : int
        0 for a keeper.
    score : float or None
    colour : str
        Empty where it isn't known.
    reason : str
        Why its keeper stays rather than it; empty for a keeper.
    size, width, height : int
        Of the audited file; width and height are 0 where they aren't known.
    parts : PairParts or None
        What to outline on it and its keeper.
    unlooked : bool
        Whether it is a sure copy whose pixels nobody compared.
    """

    number: int
    group: int
    keeper: int
    image: Image
    path: str
    kind: str
    distance: int
    orientation: int
    score: float | None
    colour: str
    reason: str
    size: int
    width: int
    height: int
    parts: PairParts | None
    unlooked: bool

    @property
    def is_keeper(self) -> bool:
        """Whether the audit keeps this image."""
        return self.number == self.keeper

    @property
    def turn(self) -> str:
        """Name of the orientation that turns the image into the keeper's frame."""
        return ORIENTATIONS[self.orientation]


class Catalog:
    """The groups of an audit.

    Parameters
    ----------
    audited : AuditFolder
    progress : Progress
        Told how many parts of the store have been read.

    Raises
    ------
    StoreError
        The groups are damaged, or aren't those of the store.

    Attributes
    ----------
    columns : GroupColumns
    details : Details
    """

    def __init__(self, audited: AuditFolder, progress: Progress = no_progress) -> None:
        self.audited = audited
        self.columns = read_columns(audited)
        # what it takes for a while is free again for the details
        self._selection = Selection(self.columns)
        self._index = NameIndex(self.columns)
        self.details = read_details(audited, self.columns, self._index, progress)
        parquet.release_memory()

    def __len__(self) -> int:
        """How many groups there are."""
        return len(self.columns)

    @property
    def rows(self) -> int:
        """How many images are in groups."""
        return self.columns.rows

    @property
    def splits(self) -> list[str]:
        """Names of the audited splits."""
        return self.columns.splits

    def select(self, wanted: Filter, among: NDArray[np.bool_] | None = None) -> NDArray[np.int32]:
        """Numbers of the groups that pass a filter, in its order; int32.

        Parameters
        ----------
        wanted : Filter
            What it says of decisions and labels is ignored.
        among : bool (groups,), optional
            Other groups are left out.
        """
        groups = self._selection.select(wanted)
        return groups if among is None else groups[among[groups]]

    def row(self, number: int) -> Row:
        """One image."""
        columns, details = self.columns, self.details
        group = self.group_of(number)
        kind, colour = int(columns.kind[number]), int(columns.colour[number])
        score = float(columns.score[number])
        split, digest = columns.splits[columns.split[number]], details.digest[number].tobytes()
        return Row(
            number,
            group,
            int(columns.starts[group]),
            Image(split, columns.exact_path(number), digest),
            columns.paths[number].as_py(),
            "" if kind == NONE else KINDS[kind],
            int(columns.distance[number]),
            int(columns.orientation[number]),
            None if np.isnan(score) else score,
            "" if colour == NONE else COLOURS[colour],
            "" if kind == NONE else columns.reasons[columns.reason[number]],
            int(details.size[number]),
            int(details.width[number]),
            int(details.height[number]),
            columns.parts(number),
            bool(columns.unlooked[number]),
        )

    def group_of(self, row: int) -> int:
        """Number of the group that a row is in."""
        return int(np.searchsorted(self.columns.starts, row, "right")) - 1

    def images(self, group: int) -> range:
        """Rows of a group, the keeper first."""
        return range(int(self.columns.starts[group]), int(self.columns.starts[group + 1]))

    def find(self, images: list[Image]) -> NDArray[np.int64]:
        """Rows of images; -1 for images that are in no group, or have changed."""
        rows = self.find_names([image.split for image in images], [image.path for image in images])
        if not self.rows:
            return rows
        digests = b"".join(image.digest[:16].ljust(16, b"\0") for image in images)
        digest = np.frombuffer(digests, np.uint64).reshape(-1, 2)
        return np.where((self.details.digest[rows] == digest).all(axis=1), rows, -1)

    def find_names(self, splits: list[str], paths: list[bytes]) -> NDArray[np.int64]:
        """Rows of images by split and exact path; -1 for images that are in no group."""
        return self._index.find(splits, paths)

    def thumbnail(self, row: int) -> NDArray[np.uint8] | None:
        """The stored thumbnail, uint8 (1024,); None if the store keeps none."""
        if not self.audited.store.layout.thumbnails:
            return None
        pixels = self._stored(row, ["thumbnail"])["thumbnail"][0].as_py()
        return None if pixels is None else np.frombuffer(pixels, np.uint8)

    def stamp(self, row: int) -> Stamp:
        """The stamp of the audited file."""
        return stamp_at(stamps_of(self._stored(row, [*STAMPS])), 0)

    def _stored(self, row: int, columns: list[str]) -> pa.Table:
        """Columns of the one row of the store."""
        row_in_part = int(self.details.store_row[row])
        for part in self.audited.store.parts:
            if row_in_part < part.rows:
                return self.audited.store.read_part(part, columns).slice(row_in_part, 1)
            row_in_part -= part.rows
        raise AssertionError("unreachable")

    def in_store(self, images: set[Image]) -> set[Image]:
        """The images that the audited splits hold unchanged, in a group or in none."""
        paths = pa.array(sorted({image.path for image in images}), pa.binary())
        stored: set[Image] = set()
        for part in self.audited.store.parts if images else ():
            table = self.audited.store.read_part(part, ["split", "path", "path_bytes", "digest"])
            exact = exact_paths(table)
            wanted = pc.is_in(exact, paths)
            split, digest = (table[name].filter(wanted).to_pylist() for name in ("split", "digest"))
            candidates = map(Image, split, exact.filter(wanted).to_pylist(), digest)
            stored.update(images.intersection(candidates))
        parquet.release_memory()
        return {image for image in stored if image.split in self.splits}
