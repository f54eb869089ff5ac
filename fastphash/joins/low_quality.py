"""Images whose hashes have too little quality to be compared: pictures that are flat."""

import numpy as np
from numpy.typing import NDArray

from fastphash.base.text import count
from fastphash.hashing.algorithms import Algorithm
from fastphash.store.rows import HashTable


def poor_rows(rows: HashTable, least: int, others: HashTable | None = None) -> NDArray[np.bool_]:
    """Rows that are not compared, bool (n,): those of `lone_rows` with a hash of less quality.

    Parameters
    ----------
    rows : HashTable
    least : int
        Quality, 0 to 100.
    others : HashTable, optional
        The rows with which they are compared; by default they are compared among themselves.
    """
    poor = rows.below_quality(least)
    if not poor.any():
        return poor
    theirs = rows.digests if others is None else others.digests
    return lone_rows(poor, rows.digests, theirs, themselves=others is None)


def lone_rows(
    poor: NDArray[np.bool_],
    digests: NDArray[np.uint64] | None,
    others: NDArray[np.uint64] | None,
    *,
    themselves: bool = False,
) -> NDArray[np.bool_]:
    """Which poor rows have the bytes of no other row, bool (n,).

    Files of the same bytes are copies, whatever their hashes are worth; other hashes of little
    quality are noise.

    Parameters
    ----------
    poor : bool (n,)
    digests : uint64 (n, 2) or None
        Of the files' bytes; None if they aren't known, so that no other row is known to have them.
    others : uint64 (m, 2) or None
        Those of the rows with which they are compared.
    themselves : bool
        Whether these are the same rows.
    """
    if digests is None or others is None or not poor.any():
        return poor
    from fastphash.joins.distinct import find_distinct_rows  # imported late: numba takes 110 MB

    rows = np.flatnonzero(poor)
    # few are left that have to be compared as a whole
    near = others[np.isin(others[:, 0], digests[rows, 0])]
    of_row = find_distinct_rows(np.concatenate([digests[rows], near])).of_row
    times = np.bincount(of_row[rows.size :], minlength=of_row.max() + 1)
    lone = poor.copy()
    lone[rows] = times[of_row[: rows.size]] <= int(themselves)
    return lone


def left_out_in_words(number: int, total: int, algorithm: Algorithm, least: int) -> str:
    """How many rows are not compared.

    >>> from fastphash.hashing.algorithms import PDQ
    >>> left_out_in_words(1, 2000, PDQ, 50)
    '1 image of 2,000 with a pdq quality below 50 is not compared'
    """
    return (
        f"{count(number, 'image')} of {total:,} with a {algorithm.name} quality below {least} "
        f"{'is' if number == 1 else 'are'} not compared"
    )
