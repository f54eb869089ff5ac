"""What people decide about copies: a log beside the audit that outlives the next one."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.pair_keys import find_places
from fastphash.errors import StoreError
from fastphash.files import atomic
from fastphash.files.digest import hex_digest_of
from fastphash.store.lock import locked
from fastphash.store.rows import HashTable

DECISIONS = "decisions.json"
_VERSION = 1
_DIGEST_BYTES = 16
# true in entries that were decided together with the one before
_TOGETHER = "with_previous"
# a decision holds for so many pairs of files of the same bytes at most; with more of them, for the
# two files alone
_MOST_PAIRS = 1 << 16

#: Two images are copies, or not, whatever their hashes say; or one image stays in its group.
Word = Literal["copies", "not_copies", "keeper"]
WORDS: tuple[Word, ...] = get_args(Word)
*_PAIR_WORDS, _KEEPER = WORDS
_IMAGES_OF_WORD = {"copies": 2, "not_copies": 2, "keeper": 1}


class Image(NamedTuple):
    """One image, as long as its bytes stay what they were.

    Attributes
    ----------
    split : str
    path : bytes
        Exact, relative to the split's root.
    digest : bytes
        XXH3-128 of the file, 16 bytes.
    """

    split: str
    path: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing decided.

    Attributes
    ----------
    word : {"copies", "not_copies", "keeper"}
    images : tuple of Image
        Two, or the one that stays; their order means nothing.
    """

    word: Word
    images: tuple[Image, ...]

    @property
    def about(self) -> frozenset[Image]:
        """A later decision about the same images replaces this one."""
        return frozenset(self.images)


class Resolved(NamedTuple):
    """Decisions in force, by rows.

    Attributes
    ----------
    copies, not_copies : int64 (n, 2)
        The lower row first.
    keepers : int64 (n,)
        The last decided first.
    stale, used : int
        See `StepCounts`.
    """

    copies: NDArray[np.int64]
    not_copies: NDArray[np.int64]
    keepers: NDArray[np.int64]
    stale: int = 0
    used: int = 0

    @property
    def has_pairs(self) -> bool:
        """Whether anything was decided about a pair."""
        return bool(self.copies.size or self.not_copies.size)

    def among(self, rows: NDArray[np.int64]) -> "Resolved":
        """The decisions about these rows, by their places; the counts stay what they are."""
        both = self.between(rows, rows)
        keepers = find_places(rows, self.keepers)
        return Resolved(
            np.unique(np.sort(both.copies, axis=1), axis=0),
            np.unique(np.sort(both.not_copies, axis=1), axis=0),
            keepers[keepers >= 0],
            self.stale,
            self.used,
        )

    def between(self, needles: NDArray[np.int64], haystack: NDArray[np.int64]) -> "DecidedPairs":
        """The pairs of one of `needles` and one of `haystack`, by their places in these."""
        return DecidedPairs(
            _pairs_between(self.copies, needles, haystack),
            _pairs_between(self.not_copies, needles, haystack),
        )


#: For rows that nothing was decided about.
NOTHING_DECIDED = Resolved(
    np.empty((0, 2), np.int64), np.empty((0, 2), np.int64), np.empty(0, np.int64)
)


class DecidedRows(NamedTuple):
    """A decision that counts: the place of its step, its word, and the rows of its images."""

    step: int
    word: Word
    rows: tuple[int, ...]


class StepCounts(NamedTuple):
    """What people did, each step counted once, however many decisions it is made of.

    Attributes
    ----------
    used : int
        Steps whose decisions in force all count.
    stale : int
        Steps with decisions in force about images that have changed or are no longer there.
    """

    used: int
    stale: int


class DecidedPairs(NamedTuple):
    """Pairs that are copies, or none, by decision: int64 (n, 2), needle and haystack row."""

    copies: NDArray[np.int64]
    not_copies: NDArray[np.int64]


def _pairs_between(
    pairs: NDArray[np.int64], needles: NDArray[np.int64], haystack: NDArray[np.int64]
) -> NDArray[np.int64]:
    either_way = np.concatenate([pairs, pairs[:, ::-1]])
    left, right = either_way.T
    places = np.stack([find_places(needles, left), find_places(haystack, right)], axis=1)
    return places[(places >= 0).all(axis=1)]


def decisions_digest(folder: Path) -> str:
    """XXH3-128 of everything decided about an audit, in hex; empty if nothing was decided."""
    path = folder / DECISIONS
    return hex_digest_of(path) if path.exists() else ""


def read_steps(folder: Path) -> list[list[Decision]]:
    """Everything decided, in lists of what was decided together; `undo` removes the last list.

    Nothing if there is no file.

    Raises
    ------
    StoreError
        The file is damaged.
    """
    steps: list[list[Decision]] = []
    try:
        for entry in _read_entries(folder):
            if not entry.get(_TOGETHER) or not steps:
                steps.append([])
            steps[-1].append(_from_json(entry))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"{folder / DECISIONS} holds no decisions: {error!r}") from error
    return steps


def decide(folder: Path, *decisions: Decision) -> None:
    """Add to the decisions of an audit; what is decided together is undone together."""
    with locked(folder):
        entries = [_to_json(decision, together=i > 0) for i, decision in enumerate(decisions)]
        _write_entries(folder, [*_read_entries(folder), *entries])


def undo(folder: Path) -> list[Decision]:
    """Remove the decisions made last, and return them; none if nothing was decided."""
    with locked(folder):
        steps = read_steps(folder)
        if not steps:
            return []
        _write_entries(folder, _read_entries(folder)[: -len(steps[-1])])
        return steps[-1]


def in_force(steps: Sequence[Sequence[Decision]]) -> list[Decision]:
    """Decisions that no later one replaces, in order."""
    latest: dict[frozenset[Image], Decision] = {}
    for decision in (one for step in reversed(steps) for one in reversed(step)):
        latest.setdefault(decision.about, decision)
    return list(reversed(latest.values()))


def count_steps(
    steps: Sequence[Sequence[Decision]], is_stale: Callable[[Decision], bool] = lambda _: False
) -> StepCounts:
    """How many steps have decisions in force, and how many of these have stale ones."""
    step_of = {decision.about: i for i, step in enumerate(steps) for decision in step}
    stale = {step_of[decision.about] for decision in in_force(steps) if is_stale(decision)}
    return StepCounts(len(set(step_of.values()) - stale), len(stale))


def decided_rows(steps: Sequence[Sequence[Decision]], rows: HashTable) -> list[DecidedRows]:
    """The decisions that count, one by one: those in force whose images are all among the rows."""
    current = in_force(steps)
    step_of = {decision.about: i for i, step in enumerate(steps) for decision in step}
    row_of = _find_rows({image for decision in current for image in decision.images}, rows)
    return [
        DecidedRows(step_of[one.about], one.word, tuple(row_of[image] for image in one.images))
        for one in current
        if row_of.keys() >= one.about
    ]


def resolve(steps: Sequence[Sequence[Decision]], rows: HashTable) -> Resolved:
    """The decisions in force, by rows; those about images that are not among the rows are stale.

    What was decided about two images holds for all pairs of files with their bytes, unless
    something else was decided about these files themselves.
    """
    current = in_force(steps)
    row_of = _find_rows({image for decision in current for image in decision.images}, rows)
    used = [one for one in current if row_of.keys() >= one.about]
    counts = count_steps(steps, lambda one: not row_of.keys() >= one.about)
    same_bytes = _find_same_bytes({image.digest for one in used for image in one.images}, rows)
    keepers = [row_of[one.images[0]] for one in used if one.word == _KEEPER]
    about_pairs = [one for one in used if one.word != _KEEPER]
    word_of: dict[tuple[int, int], Word] = {}
    for one in about_pairs:
        for pair in _pairs_of_same_bytes(one, same_bytes):
            word_of[pair] = one.word
    for one in about_pairs:
        left, right = sorted(row_of[image] for image in one.images)
        word_of[left, right] = one.word
    copies, not_copies = (
        np.array([pair for pair in word_of if word_of[pair] == word], np.int64).reshape(-1, 2)
        for word in _PAIR_WORDS
    )
    by_last = np.array(keepers[::-1], np.int64)
    return Resolved(copies, not_copies, by_last, counts.stale, counts.used)


def _pairs_of_same_bytes(
    decision: Decision, same_bytes: dict[bytes, list[int]]
) -> Iterator[tuple[int, int]]:
    """All pairs of rows with the bytes of the two images, the lower first; none if too many."""
    one, other = (same_bytes[image.digest] for image in decision.images)
    # two files of the same bytes are decided about by themselves
    if one is not other and len(one) * len(other) <= _MOST_PAIRS:
        for left, right in product(one, other):
            yield (left, right) if left < right else (right, left)


def _find_same_bytes(digests: set[bytes], rows: HashTable) -> dict[bytes, list[int]]:
    """The rows with each of these digests."""
    column = rows.table["digest"]
    wanted = pc.is_in(column, pa.array(sorted(digests), column.type))
    found = np.flatnonzero(wanted.to_numpy())
    by_digest: dict[bytes, list[int]] = {digest: [] for digest in digests}
    for row, digest in zip(found.tolist(), column.take(pa.array(found)).to_pylist(), strict=True):
        by_digest[digest].append(row)
    return by_digest


def _find_rows(images: set[Image], rows: HashTable) -> dict[Image, int]:
    """The row of each image that is there, with the same bytes."""
    paths = pa.array(sorted({image.path for image in images}), pa.binary())
    candidates = np.flatnonzero(pc.is_in(rows.paths, paths).to_numpy())
    table = rows.table.take(pa.array(candidates))
    present = map(
        Image,
        table["split"].cast(pa.string()).to_pylist(),
        rows.paths.take(pa.array(candidates)).to_pylist(),
        table["digest"].to_pylist(),
    )
    numbered = zip(present, candidates.tolist(), strict=True)
    return {image: row for image, row in numbered if image in images}


def _read_entries(folder: Path) -> list[dict[str, Any]]:
    path = folder / DECISIONS
    if not path.exists():
        return []
    content = atomic.read_json(path)
    if not isinstance(content, dict) or content.get("version") != _VERSION:
        raise StoreError(f"{path} holds no decisions of version {_VERSION}")
    entries = content.get("decisions")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise StoreError(f"{path} holds no decisions: no list of them in it")
    return entries


def _write_entries(folder: Path, entries: list[dict[str, Any]]) -> None:
    """One line each: to indent thousands takes a second."""
    lines = ",\n".join(map(json.dumps, entries))
    with atomic.replacing(folder / DECISIONS) as temporary:
        temporary.write_text(f'{{"version": {_VERSION}, "decisions": [\n{lines}\n]}}\n')


def _to_json(decision: Decision, *, together: bool) -> dict[str, Any]:
    images = [
        {"split": split, "path": os.fsdecode(path), "digest": digest.hex()}
        for split, path, digest in decision.images
    ]
    flag = {_TOGETHER: True} if together else {}
    return {"decision": decision.word, "images": images} | flag


def _from_json(entry: dict[str, Any]) -> Decision:
    word = entry["decision"]
    if len(entry["images"]) != _IMAGES_OF_WORD[word]:
        raise ValueError(f"{word} about {len(entry['images'])} images")
    return Decision(word, tuple(map(_image_from_json, entry["images"])))


def _image_from_json(image: dict[str, str]) -> Image:
    split, path, digest = image["split"], image["path"], bytes.fromhex(image["digest"])
    if not isinstance(split, str) or len(digest) != _DIGEST_BYTES:
        raise ValueError(f"split {split!r:.80}, digest {image['digest']!r:.80}")
    return Image(split, os.fsencode(path), digest)
