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
from fastphash.store.lock import locked
from fastphash.store.rows import HashTable

DECISIONS = "decisions.json"
_VERSION = 1
# of an entry that was decided at once with the one before
_TOGETHER = "with_previous"

#: Two images are copies, or not, whatever their hashes say; or one image stays in its group.
Word = Literal["copies", "not_copies", "keeper"]
WORDS: tuple[Word, ...] = get_args(Word)
_IMAGES = {"copies": 2, "not_copies": 2, "keeper": 1}


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
        """What a later decision must be about to replace this one."""
        return frozenset(self.images)


class Resolved(NamedTuple):
    """Decisions in force, by rows.

    Attributes
    ----------
    copies, not_copies : int64 (n, 2)
        The lower row first.
    keepers : int64 (n,)
        The one decided last first.
    stale : int
        Decisions about images that are not there any more, or have changed.
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
    """XXH3-128 of everything decided about an audit, in hex; empty if nothing was."""
    path = folder / DECISIONS
    return atomic.file_digest(path) if path.exists() else ""


def read_steps(folder: Path) -> list[list[Decision]]:
    """The same, by what was decided at once: what `undo` takes back comes last."""
    steps: list[list[Decision]] = []
    try:
        for entry in _read(folder):
            if not entry.get(_TOGETHER) or not steps:
                steps.append([])
            steps[-1].append(_from_json(entry))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"{folder / DECISIONS} holds no decisions: {error!r}") from error
    return steps


def decide(folder: Path, *decisions: Decision) -> None:
    """Add to the decisions of an audit; what is decided at once is undone at once."""
    with locked(folder):
        made = [_to_json(decision, then=i > 0) for i, decision in enumerate(decisions)]
        _write(folder, [*_read(folder), *made])


def undo(folder: Path) -> list[Decision]:
    """Take back what was decided last, and return it: one decision, several, or none."""
    with locked(folder):
        steps = read_steps(folder)
        if not steps:
            return []
        _write(folder, _read(folder)[: -len(steps[-1])])
        return steps[-1]


def in_force(decisions: list[Decision]) -> list[Decision]:
    """Decisions that no later one replaces, in order."""
    latest: dict[frozenset[Image], Decision] = {}
    for decision in reversed(decisions):
        latest.setdefault(decision.about, decision)
    return list(reversed(latest.values()))


def resolve(decisions: list[Decision], rows: HashTable) -> Resolved:
    """The decisions in force whose images are all among these rows, unchanged."""
    current = in_force(decisions)
    row_of = _find({image for decision in current for image in decision.images}, rows)
    found: dict[Word, list[list[int]]] = {word: [] for word in WORDS}
    stale = 0
    for decision in current:
        numbers = [row_of.get(image, -1) for image in decision.images]
        if min(numbers) < 0:
            stale += 1
        else:
            found[decision.word].append(sorted(numbers))
    copies, not_copies, keepers = (
        np.array(found[word], np.int64).reshape(-1, _IMAGES[word]) for word in WORDS
    )
    return Resolved(copies, not_copies, keepers[::-1, 0], stale)


def _find(images: set[Image], rows: HashTable) -> dict[Image, int]:
    paths = pa.array(sorted({image.path for image in images}), pa.binary())
    some = np.flatnonzero(pc.is_in(rows.paths, paths).to_numpy())
    table = rows.table.take(pa.array(some))
    splits = table["split"].cast(pa.string()).to_pylist()
    digests = table["digest"].to_pylist()
    there = rows.paths.take(pa.array(some)).to_pylist()
    found = map(Image, splits, there, digests)
    return {image: row for image, row in zip(found, some.tolist(), strict=True) if image in images}


def _read(folder: Path) -> list[dict[str, Any]]:
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


def _write(folder: Path, entries: list[dict[str, Any]]) -> None:
    """One line each: indented, thousands would take a second."""
    lines = ",\n".join(map(json.dumps, entries))
    with atomic.replacing(folder / DECISIONS) as temporary:
        temporary.write_text(f'{{"version": {_VERSION}, "decisions": [\n{lines}\n]}}\n')


def _to_json(decision: Decision, *, then: bool) -> dict[str, Any]:
    images = [
        {"split": split, "path": os.fsdecode(path), "digest": digest.hex()}
        for split, path, digest in decision.images
    ]
    together = {_TOGETHER: True} if then else {}
    return {"decision": decision.word, "images": images} | together


def _from_json(entry: Any) -> Decision:
    word = entry["decision"]
    if len(entry["images"]) != _IMAGES[word]:
        raise ValueError(f"{word} about {len(entry['images'])} images")
    images = (
        Image(image["split"], os.fsencode(image["path"]), bytes.fromhex(image["digest"]))
        for image in entry["images"]
    )
    return Decision(word, tuple(images))
