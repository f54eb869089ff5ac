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


@dataclass
class Applied:
    """Counts of what was done to the images of a plan.

    Attributes
    ----------
    planned : int
        Images to be listed, copied, linked or moved.
    done : int
        Images done in this run.
    already : int
        Images that an earlier run did.
    skipped : list of Skipped
        Images that were left as they are.
    rescued : list of Skipped
        Images that the plan removes, but that stay because their keeper has changed or is gone.
        `done` counts them too.
    files : list of Path
        Lists and COCO files that were written.
    annotations_gone : int
        Annotations left out of COCO files.
    """

    planned: int = 0
    done: int = 0
    already: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    rescued: list[Skipped] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    annotations_gone: int = 0

    def attempt(self, action: Callable[[], bool], skip: Callable[[str], Skipped]) -> bool:
        """Run an action and count its outcome; False if it fails.

        Parameters
        ----------
        action : callable
            Does the work; returns False if an earlier run did it.
        skip : callable
            Called with the reason if the action fails; returns the skipped image.
        """
        try:
            if action():
                self.done += 1
            else:
                self.already += 1
        except (FastphashError, OSError) as error:
            self.skipped.append(skip(_reason(error)))
            return False
        return True

    def as_json(self) -> dict[str, Any]:
        """These counts and images as values for JSON."""
        return {
            "planned": self.planned,
            "done": self.done,
            "already": self.already,
            "skipped": _as_json(self.skipped),
            "rescued": _as_json(self.rescued),
            "files": list(map(str, self.files)),
            "annotations_gone": self.annotations_gone,
        }


def _as_json(images: list[Skipped]) -> list[dict[str, str]]:
    return [
        {"split": split, "path": path.decode(errors="replace"), "why": why}
        for split, path, why in images
    ]


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
