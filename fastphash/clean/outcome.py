"""What became of the images of a plan, and why some were skipped."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from fastphash.errors import FastphashError

CHANGED = "changed since it was hashed"
GONE = "not there any more"
NAME_TAKEN = "its name is taken"


class Skipped(NamedTuple):
    """An image that was left as it is, and why."""

    split: str
    path: bytes
    why: str


class WrittenLabels(NamedTuple):
    """A COCO file or a table of labels that was written for a split.

    Attributes
    ----------
    images, annotations : int
        Kept in it.
    annotations_gone : int
        Left out of it.
    inexact : int
        Images whose names in it are spelled otherwise than their files.
    unknown, unhashed : int
        Images in it that are in no list: they match no file of the split, or one without a hash.
    orphans : int
        Annotations kept in it that are of none of its images, and were so before.
    """

    images: int
    annotations: int
    annotations_gone: int
    inexact: int
    unknown: int
    unhashed: int
    orphans: int


class WrittenShards(NamedTuple):
    """The containers of a split in a clean tree.

    Attributes
    ----------
    containers : int
        Containers of the split that could be read.
    whole : int
        Those that lose nothing.
    emptied : int
        Those of which no sample stays: they are not written.
    samples, samples_gone : int
        Samples that stay in containers that lose some, and samples that go.
    """

    containers: int = 0
    whole: int = 0
    emptied: int = 0
    samples: int = 0
    samples_gone: int = 0


@dataclass
class Attempts:
    """Counts of what was done to files.

    Attributes
    ----------
    planned : int
        Files to be listed, copied, linked or moved.
    done : int
        Files done in this run.
    already : int
        Files that an earlier run did.
    skipped : list of Skipped
        Files that were left as they are.
    """

    planned: int = 0
    done: int = 0
    already: int = 0
    skipped: list[Skipped] = field(default_factory=list)

    def attempt(
        self, action: Callable[[], bool], skip: Callable[[str], Skipped], images: int = 1
    ) -> bool:
        """Run an action and count its outcome; False if it fails.

        Parameters
        ----------
        action : callable
            Does the work; returns False if an earlier run did it.
        skip : callable
            Called with the reason if the action fails; returns the skipped file.
        images : int
            How many images the action is for.
        """
        try:
            if action():
                self.done += images
            else:
                self.already += images
        except (FastphashError, OSError) as error:
            self.skipped.append(skip(why_skipped(error)))
            return False
        return True


@dataclass
class Applied(Attempts):
    """Counts of what was done to the images of a plan.

    Attributes
    ----------
    rescued : list of Skipped
        Images that the plan removes, but that stay because their keeper has changed or is gone.
        `done` counts them too.
    places : dict of str to int
        Where moved images are now, by this run or an earlier one: folder, and how many.
    files : list of Path
        Lists, COCO files and tables of labels that were written.
    labels : dict of str to WrittenLabels
        The COCO files and tables among them, by split.
    sidecars : Attempts
        What was done to files that belong to images, such as labels.
    shards : dict of str to WrittenShards
        The containers of a tree, by split.
    in_containers : int
        Images that go and that a move leaves in their containers.
    """

    rescued: list[Skipped] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    labels: dict[str, WrittenLabels] = field(default_factory=dict)
    sidecars: Attempts = field(default_factory=Attempts)
    shards: dict[str, WrittenShards] = field(default_factory=dict)
    in_containers: int = 0

    @property
    def annotations_gone(self) -> int:
        """Annotations left out of COCO files and tables."""
        return sum(written.annotations_gone for written in self.labels.values())

    @property
    def not_as_planned(self) -> list[Skipped]:
        """Images, and files that belong to images, with which something else was done."""
        return [*self.skipped, *self.rescued, *self.sidecars.skipped]

    def as_json(self) -> dict[str, Any]:
        """These counts and images as values for JSON."""
        return {
            "planned": self.planned,
            "done": self.done,
            "already": self.already,
            "skipped": _as_json(self.skipped),
            "rescued": _as_json(self.rescued),
            "places": self.places,
            "files": list(map(str, self.files)),
            "annotations_gone": self.annotations_gone,
            "in_containers": self.in_containers,
            "shards": {split: shards._asdict() for split, shards in self.shards.items()},
            # tables, too: the key is older than these
            "coco": {split: written._asdict() for split, written in self.labels.items()},
            "sidecars": {
                "planned": self.sidecars.planned,
                "done": self.sidecars.done,
                "already": self.sidecars.already,
                "skipped": _as_json(self.sidecars.skipped),
            },
        }


def _as_json(images: list[Skipped]) -> list[dict[str, str]]:
    return [
        {"split": split, "path": path.decode(errors="replace"), "why": why}
        for split, path, why in images
    ]


def why_skipped(error: Exception) -> str:
    """What an error says, in one line."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
