"""Drafts of tables of labels without the rows of removed images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastphash.clean.drafts import Drafts
from fastphash.clean.outcome import WrittenLabels
from fastphash.labels.coco import Images, match_images
from fastphash.labels.coco_removal import find_removal, unknown_images
from fastphash.labels.table_filter import FilteredTable, filter_table, read_names


def draft_table(
    source: Path,
    path: Path,
    paths: Sequence[bytes],
    removed: NDArray[np.bool_],
    hashed: int,
    drafts: Drafts,
) -> WrittenLabels:
    """Draft a table without the rows of removed images, and check what was written.

    Parameters
    ----------
    source, path : Path
        The table, and the new one.
    paths : sequence of bytes
        Of the split, the `hashed` ones with a hash first.
    removed : bool (n,)
        Whether these are removed.
    hashed : int
    drafts : Drafts

    Raises
    ------
    StoreError
        Nobody can tell whether an image of the table goes.
    """
    named = read_names(source)
    images = Images(source, list(range(len(named.names))), named.names)
    matched = match_images(named.names, paths)
    gone = set(find_removal(images, matched, paths, removed).places)

    def write(draft: Path) -> FilteredTable:
        return filter_table(source, draft, named, gone)

    filtered = drafts.add(path, write)
    return WrittenLabels(
        images=len(named.names) - len(gone),
        annotations=filtered.rows,
        annotations_gone=filtered.rows_gone,
        inexact=len(matched.inexact),
        unknown=len(unknown_images(matched)),
        unhashed=int((matched.rows >= hashed).sum()),
        orphans=filtered.nameless,
    )
