"""What images lose that are moved to another disk, said before they are moved."""

import logging
import os
from pathlib import Path

from fastphash.base.text import listed
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.files.file_attributes import describe_losses, read_attributes

_log = logging.getLogger(__name__)


def warn_of_losses(plan: CheckedPlan, rows: list[int], target: Path) -> None:
    """Say what images lose in a folder on another disk: an undo brings them back without it."""
    folder = os.fsencode(_nearest(target))
    found = read_attributes((plan.file(row) for row in rows), folder)
    if losses := describe_losses(found, folder):
        _log.warning(
            "%r is on another disk: images that are moved there lose %s, and come back without",
            str(target),
            listed(losses),
        )


def _nearest(folder: Path) -> Path:
    """The folder, or the first of those around it that is there."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.is_dir())
