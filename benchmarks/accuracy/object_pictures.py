"""How many of the pairs that an audit accuses among objects on plain grounds are copies?

Pictures of one kind share an outline and a ground: bottles and shirts on white, motorbikes, faces,
planes in the sky. Individuals differ; some have a second shot, which is no copy; some shots have an
edited copy (support/object_pictures.py). One split of all of them is audited with default options.
A pair of an image and its keeper is accused; a copy is found if it is accused with its original.

Settings of fastphash are chosen with `--draw choose` and reported with `--draw report`, which draws
other individuals.
"""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.dataset import DRAWS, add_draw
from benchmarks.support.markdown import print_table
from benchmarks.support.object_pictures import (
    COPY_EDITS,
    ObjectPicture,
    write_object_pictures,
)
from fastphash.audits.run import audit
from fastphash.base.progress_screen import ProgressScreen
from fastphash.results.audit_folder import GROUPS
from fastphash.sources.local import folder_source

_SPLIT = "objects"


class AccusedPair(NamedTuple):
    """An image, its keeper and the kind of the pair."""

    image: ObjectPicture
    keeper: ObjectPicture
    kind: str


class FoundCopy(NamedTuple):
    """A planted copy, and whether it was accused with its original."""

    image: ObjectPicture
    found: bool


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument(
        "--count",
        type=positive_number,
        default=150,
        help="individuals of each kind of object (default: %(default)s)",
    )
    add_draw(parser)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ProgressScreen() as progress:
        folder, out = Path(name, _SPLIT), Path(name, "audit")
        pictures = write_object_pictures(folder, arguments.count, DRAWS.index(arguments.draw))
        summary = audit(out, [folder_source(f"{_SPLIT}={folder}")], progress=progress).summary
        accused, copies = read_groups(out, pictures)
    print_accused("objects", accused, lambda pair: pair.image.kind)
    print()
    print_accused("kind of pair", accused, lambda pair: pair.kind)
    print()
    print_found("objects", copies, lambda copy: copy.image.kind)
    print()
    print_found("edit", copies, lambda copy: copy.image.edit, COPY_EDITS)
    shots = len(pictures) - len(copies)
    print(
        f"\n{len(pictures):,} pictures: {shots:,} shots of {arguments.count:,} individuals of each "
        f"kind, and {len(copies):,} edited copies. Draw: {arguments.draw}. Radius "
        f"{summary['radius']}, least score {summary['min_score']}."
    )


def read_groups(
    out: Path, pictures: list[ObjectPicture]
) -> tuple[list[AccusedPair], list[FoundCopy]]:
    """The accused pairs of an audit, and which of the planted copies it found."""
    by_path = {one.path: one for one in pictures}
    accused = [
        AccusedPair(by_path[row["path"]], by_path[row["keeper_path"]], row["kind"])
        for row in pq.read_table(out / GROUPS).to_pylist()
        if row["role"] == "copy"
    ]
    found = {pair.image[1:4] for pair in accused if pair.image.is_copy_of(pair.keeper)}
    return accused, [FoundCopy(one, one[1:4] in found) for one in pictures if one.edit]


def print_accused(title: str, pairs: list[AccusedPair], key: Callable[[AccusedPair], str]) -> None:
    """One row for each key, and one for all."""
    rows = []
    for name in [*dict.fromkeys(map(key, pairs)), "ALL"]:
        some = [pair for pair in pairs if name in {key(pair), "ALL"}]
        true = sum(pair.image.is_copy_of(pair.keeper) for pair in some)
        shots = sum(pair.image.shows_same_thing_as(pair.keeper) for pair in some) - true
        cells = (len(some), true, shots, len(some) - true - shots)
        rows.append((name, *(f"{cell:,}" for cell in cells), share(true, len(some))))
    header = "accused pairs", "copies", "other shot", "other individual", "copies, %"
    print_table((title, *header), rows)


def print_found(
    title: str, copies: list[FoundCopy], key: Callable[[FoundCopy], str], names: Iterable[str] = ()
) -> None:
    rows = []
    for name in [*(names or dict.fromkeys(map(key, copies))), "ALL"]:
        some = [copy.found for copy in copies if name in {key(copy), "ALL"}]
        rows.append((name, f"{len(some):,}", share(sum(some), len(some))))
    print_table((title, "copies", "found, %"), rows)


def share(part: int, whole: int) -> str:
    """In percent."""
    return f"{100 * part / whole:.1f}" if whole else "-"


if __name__ == "__main__":
    main()
