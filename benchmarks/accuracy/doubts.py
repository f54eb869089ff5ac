"""Which pairs does a look at pixels clear, and which does it prove to be copies?

Where thumbnails leave a doubt, pictures are aligned and their detail is compared
(`fastphash.looks.judgement`). Pairs come from two data sets:

- Objects on plain grounds (support/object_pictures.py): all pairs that thumbnails take for copies.
  Most are none; a look is to find these, and no others.
- Edited copies of photos (support/dataset.py, both mixes): all pairs that hashes or views propose.
  A look is to find no copy among them to be none, and to find copies with low scores.

Settings of fastphash are chosen with `--draw choose` and reported with `--draw report`.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.dataset import DRAWS, add_draw, build_dataset
from benchmarks.support.doubts import (
    COPY,
    OTHER_SHOT,
    LookedAt,
    edited_pairs,
    look_at_edited,
    look_at_objects,
)
from benchmarks.support.fingerprints import compute_fingerprints
from benchmarks.support.markdown import print_table
from benchmarks.support.methods import make_task
from benchmarks.support.mixes import BOTH, EDITS
from fastphash.base.progress_screen import ProgressScreen
from fastphash.joins.chance import choose_radius
from fastphash.joins.index import Index
from fastphash.looks.judgement import DOUBT_END, IS_COPY, IS_NO_COPY, judge_doubts

_ALL = "ALL"


def main() -> None:
    parser = make_parser(__doc__, count=60)
    parser.add_argument(
        "--objects",
        type=positive_number,
        default=150,
        help="individuals of each kind of object (default: %(default)s)",
    )
    add_draw(parser)
    arguments = parser.parse_args()
    seed = DRAWS.index(arguments.draw)
    dataset = build_dataset(arguments.photos, arguments.count, 1, draw=arguments.draw, mix=BOTH)
    with ProgressScreen() as progress:
        objects = Judged(look_at_objects(arguments.objects, seed, progress))
        needles, haystack = compute_fingerprints(dataset, progress, rivals=False)
        task = make_task(dataset, needles, haystack, sorted(set(dataset.folders)))
        radius = choose_radius(Index(haystack.hashes))
        pairs = edited_pairs(needles, haystack, task.truth, radius)
        edited = Judged(look_at_edited(dataset, needles, pairs, progress))
    print_objects(objects)
    print()
    print_edited(edited)
    print(
        f"\nDraw: {arguments.draw}. {objects.milliseconds:.1f} and {edited.milliseconds:.1f} ms of "
        f"a processor for a pair of objects and of edited copies, keypoints included."
    )


class Judged:
    """Pairs, and what became of them, each as a column."""

    def __init__(self, looked: LookedAt) -> None:
        pairs = looked.pairs
        score = np.array([pair.score for pair in pairs])
        self.group = np.array([pair.group for pair in pairs])
        self.copy = np.array([pair.truth == COPY for pair in pairs])
        self.shot = np.array([pair.truth == OTHER_SHOT for pair in pairs])
        self.accused = np.array([pair.accused for pair in pairs])
        verdict = judge_doubts(looked.looks, self.accused)
        verdict[score >= DOUBT_END] = 0
        self.cleared, self.proven = verdict == IS_NO_COPY, verdict == IS_COPY
        self.milliseconds = 1000 * looked.seconds / max(len(pairs), 1)

    def groups(self, names: list[str]) -> dict[str, NDArray[np.bool_]]:
        """The pairs of each group, and all."""
        some = {name: self.group == name for name in names}
        return {**some, _ALL: np.ones(self.group.size, np.bool_)}


def print_objects(judged: Judged) -> None:
    """What is accused before and after a look, by the kind that thumbnails give."""
    rows = []
    for name, some in judged.groups(sorted(set(judged.group.tolist()))).items():
        counts: list[str] = []
        for told in (judged.accused, (judged.accused & ~judged.cleared) | judged.proven):
            part = some & told
            copies, shots = (int((part & true).sum()) for true in (judged.copy, judged.shot))
            others = int(part.sum()) - copies - shots
            counts += [f"{copies:,}", f"{shots:,}", f"{others:,}", share(copies, int(part.sum()))]
        rows.append((name, *counts))
    header = "copies", "other shot", "other individual", "copies, %"
    after = tuple(f"{one}, looked at" for one in header)
    print_table(("objects", *header, *after), rows)


def print_edited(judged: Judged) -> None:
    """Copies that are lost and gained by a look, by edit, and false pairs that are gained."""
    rows = []
    for name, some in judged.groups([edit.name for edit in EDITS]).items():
        rows.append((name, *_settled(judged, some & judged.copy)))
    rows.append(("no copies", *_settled(judged, ~judged.copy)))
    header = "accused", "cleared", "cleared, %", "others proposed", "proven", "proven, %"
    print_table(("edit", *header), rows)


def _settled(judged: Judged, some: NDArray[np.bool_]) -> list[str]:
    cells: list[str] = []
    for part, settled in (
        (some & judged.accused, judged.cleared),
        (some & ~judged.accused, judged.proven),
    ):
        found = int((part & settled).sum())
        cells += [f"{part.sum():,}", f"{found:,}", share(found, int(part.sum()))]
    return cells


def share(part: int, whole: int) -> str:
    """In percent."""
    return f"{100 * part / whole:.2f}" if whole else "-"


if __name__ == "__main__":
    main()
