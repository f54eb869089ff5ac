"""Searches of an audit that use the disk, where hashes don't fit into memory."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from fastphash.audits.options import AuditOptions
from fastphash.external.disk_search import DiskSearch

#: Of the folder of an audit, while it searches on the disk.
SCRATCH = "scratch"


@contextlib.contextmanager
def using_disk(out: Path, options: AuditOptions) -> Iterator[AuditOptions]:
    """The options with searches on the disk: in the folder that is named, or in that of the audit.

    Where none is named, only what doesn't fit into memory is searched there.
    """
    asked = options.scratch is not None
    folder, owner = options.scratch or out / SCRATCH, os.fsdecode(out.resolve())
    with DiskSearch(folder, everything=asked, owner=owner) as disk:
        yield replace(options, join=replace(options.join, disk=disk))
