"""Names of files in a folder that images are copied, linked or moved to."""

import os
from pathlib import Path

from fastphash.base.paths import clashes, is_inside, leaves_folder, lies_in
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.errors import UsageError
from fastphash.results.audit_folder import HASHES


def check_target(plan: CheckedPlan, target: Path) -> None:
    """Raise UsageError if the target overlaps the folder of a split or the audit's own files."""
    audit_folder, target_folder = (
        os.path.realpath(folder) for folder in (plan.audited.folder, target)
    )
    hashes = os.path.join(audit_folder, HASHES)
    if target_folder in (audit_folder, hashes) or is_inside(target_folder, hashes):
        raise UsageError(f"{str(target)!r} holds the audit itself: name another folder")
    for place, earlier in clashes(plan.audited.splits, target).items():
        raise UsageError(
            f"splits {plan.audited.splits[earlier]!r} and {plan.audited.splits[place]!r} would be "
            f"one folder in {str(target)!r}, where case doesn't count: name a folder on another "
            "disk, or audit with other names of splits"
        )
    for target_split in plan.audited.splits:
        target_root = os.fsencode(target / target_split)
        for split in plan.audited.splits:
            # a split of listed files isn't walked, so nothing in its folder is found by chance
            if plan.audited.summary["splits"][split]["listed"]:
                continue
            folder = plan.audited.store.roots[split]
            root = os.fsencode(folder)
            if lies_in(target_root, root) or lies_in(root, target_root):
                raise UsageError(
                    f"{str(target)!r} and split {split!r} lie in one another: {folder}"
                )


def target_files(plan: CheckedPlan, target: Path, rows: list[int]) -> list[bytes]:
    """The absolute name ``SPLIT/path`` of each row below the target.

    Raises
    ------
    UsageError
        A name leads out of the folder of its split.
    """
    root = os.path.abspath(os.fsencode(target))
    for row in rows:
        if leaves_folder(plan.paths[row]):
            raise UsageError(
                f"{plan.name(row)} lies outside of its split's folder: only lists can have it"
            )
    return [os.path.join(root, os.fsencode(plan.splits[row]), plan.paths[row]) for row in rows]
