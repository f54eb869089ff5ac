"""What people decide about copies: a log beside the audit that outlives the next one."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.errors import StoreError
from fastphash.files import atomic
from fastphash.files.digest import hex_digest_of
from fastphash.store.lock import locked
from fastphash.store.rows import HashTable

DECISIONS = "decisions.json"
_VERSION = 1
# true in entries that were decided together with the one before
_TOGETHER = "with_previous"

#: Two images are copies, or not, whatever their hashes say; or one image stays in its group.
Word = Literal["copies", "not_copies", "keeper"]
WORDS: tuple[Word, ...] = get_args(Word)
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
    stale : int
        Decisions about images that have changed or are no longer there.
    """

    copies: NDArray[np.int64]
    not_copies: NDArray[np.int64]
    keepers: NDArray[np.int64]
    stale: int


def read_decisions(folder: Path) -> list[Decision]:
    """Everything decided about an audit, in order; nothing if there is no file.

    Raises
    ------
    StoreError
        The file is damaged.
    """
    return [decision for step in read_steps(folder) for decision in step]


def decisions_digest(folder: Path) -> str:
    """XXH3-128 of everything decided about an audit, in hex; empty if nothing was decided."""
    path = folder / DECISIONS
    return hex_digest_of(path) if path.exists() else ""


def read_steps(folder: Path) -> list[list[Decision]]:
    """Everything decided, in lists of what was decided together; `undo` removes the last list."""
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


def in_force(decisions: list[Decision]) -> list[Decision]:
    """Decisions that no later one replaces, in order."""
    latest: dict[frozenset[Image], Decision] = {}
    for decision in reversed(decisions):
        latest.setdefault(decision.about, decision)
    return list(reversed(latest.values()))


def resolve(decisions: list[Decision], rows: HashTable) -> Resolved:
    """The decisions in force, by rows; those about images that are not among the rows are stale."""
    current = in_force(decisions)
    row_of = _find_rows({image for decision in current for image in decision.images}, rows)
    rows_by_word: dict[Word, list[list[int]]] = {word: [] for word in WORDS}
    stale = 0
    for decision in current:
        if all(image in row_of for image in decision.images):
            rows_by_word[decision.word].append(sorted(row_of[image] for image in decision.images))
        else:
            stale += 1
    copies, not_copies, keepers = (
        np.array(rows_by_word[word], np.int64).reshape(-1, _IMAGES_OF_WORD[word]) for word in WORDS
    )
    return Resolved(copies, not_copies, keepers[::-1, 0], stale)


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
    images = (
        Image(image["split"], os.fsencode(image["path"]), bytes.fromhex(image["digest"]))
        for image in entry["images"]
    )
    return Decision(word, tuple(images))
