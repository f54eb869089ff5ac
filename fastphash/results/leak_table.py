"""Leaks: images of one split with a copy in another, each counted once."""

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.results.counts import are_copies
from fastphash.results.decisions import Resolved
from fastphash.results.leaks import find_strongest, strength_keys
from fastphash.results.schemas import (
    LEAKS_SCHEMA,
    SIDES,
    looked_column,
    part_columns,
    relation_columns,
    row_names,
)
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import Relation
from fastphash.verification.findings import NO_FINDINGS, Findings
from fastphash.verification.looked_pairs import LookedPairs


class SplitLeaks(NamedTuple):
    """Images of one split with a match in one other split: for each the strongest match.

    Attributes
    ----------
    needles, haystack : str
        The two splits.
    needle, partner : int64 (n,)
        Rows of all splits, in order of priority.
    relation : Relation
    confirmed : bool (n,)
        Whether somebody decided that the two are copies.
    match_count : int64 (n,)
        Haystack images that are copies; if none is, those that only share the hash.
    """

    needles: str
    haystack: str
    needle: NDArray[np.int64]
    partner: NDArray[np.int64]
    relation: Relation
    confirmed: NDArray[np.bool_]
    match_count: NDArray[np.int64]

    @property
    def is_copy(self) -> NDArray[np.bool_]:
        """Whether the strongest match of each image is a copy, bool (n,)."""
        return are_copies(self.relation.kind, self.confirmed)


class ImageLeaks(NamedTuple):
    """Images with a match in any other split, each once, with the strongest match of all.

    Attributes
    ----------
    needle, partner : int64 (n,)
        Rows of all splits, in order of priority.
    relation : Relation
    confirmed : bool (n,)
    match_count : int64 (n,)
        Images of all other splits that are copies; if none is, those that only share the hash.
    also_in : list of str
        Names of the further splits that hold some of these, with commas between.
    """

    needle: NDArray[np.int64]
    partner: NDArray[np.int64]
    relation: Relation
    confirmed: NDArray[np.bool_]
    match_count: NDArray[np.int64]
    also_in: list[str]

    def table(
        self,
        rows: HashTable,
        findings: Findings = NO_FINDINGS,
        looked: LookedPairs | None = None,
    ) -> pa.Table:
        """The same as `LEAKS_SCHEMA`, with what was found about these rows, and looked at."""
        *needle_names, needle_bytes = row_names(rows, self.needle)
        *haystack_names, haystack_bytes = row_names(rows, self.partner)
        columns = [
            *needle_names,
            *haystack_names,
            *relation_columns(self.relation),
            *part_columns(findings, self.needle, self.partner, SIDES),
            looked_column(self.relation, looked, self.needle, self.partner),
            pa.array(self.confirmed),
            pa.array(self.match_count - 1, pa.int64()),
            pa.array(self.also_in, pa.string()),
            needle_bytes,
            haystack_bytes,
        ]
        return pa.table(columns, schema=LEAKS_SCHEMA)


def find_leaks(
    rows: HashTable,
    splits: Sequence[str],
    criteria: CopyCriteria,
    decided: Resolved,
    findings: Findings = NO_FINDINGS,
) -> list[SplitLeaks]:
    """The strongest matches of each split's images in each other split.

    Parameters
    ----------
    rows : HashTable
        In order of priority.
    splits : sequence of str
    criteria : CopyCriteria
    decided : Resolved
        Pairs that are copies, or none, whatever their kind.
    findings : Findings
        What was found about pairs of rows of different bytes: it counts more than thumbnails.

    Returns
    -------
    list of SplitLeaks
        For every ordered pair of splits.
    """
    places = {split: np.flatnonzero(rows.splits == split) for split in splits}
    tables = {split: rows.take(places[split]) for split in splits}
    leaks = []
    for needles, haystack in permutations(splits, 2):
        between = decided.between(places[needles], places[haystack])
        found = findings.between(places[needles], places[haystack])
        strongest = find_strongest(tables[needles], tables[haystack], criteria, between, found)
        leaked = np.flatnonzero(strongest.partner >= 0)
        partner, relation, confirmed, match_count = strongest.take(leaked)
        leaks.append(
            SplitLeaks(
                needles,
                haystack,
                places[needles][leaked],
                places[haystack][partner],
                relation,
                confirmed,
                match_count,
            )
        )
    return leaks


def merge_leaks(leaks: Sequence[SplitLeaks]) -> ImageLeaks:
    """Each image once, in order of priority, with the strongest of its matches in all splits."""
    if not leaks:
        none = np.empty(0, np.int64)
        return ImageLeaks(none, none, Relation.collisions(0), none.astype(np.bool_), none, [])
    needle = np.concatenate([one.needle for one in leaks])
    partner = np.concatenate([one.partner for one in leaks])
    relation = Relation.joined([one.relation for one in leaks])
    confirmed = np.concatenate([one.confirmed for one in leaks])
    is_copy = np.concatenate([one.is_copy for one in leaks])
    match_count = np.concatenate([one.match_count for one in leaks])
    haystack = np.repeat([one.haystack for one in leaks], [one.needle.size for one in leaks])
    order = np.lexsort((*strength_keys(partner, relation, confirmed), needle))
    # the first row of each image has its strongest match
    is_first = np.diff(needle[order], prepend=-1) > 0
    image = np.cumsum(is_first) - 1
    firsts = order[is_first]
    alike = is_copy[order] == is_copy[firsts][image]
    further = np.flatnonzero(alike & ~is_first)
    also_in: list[list[str]] = [[] for _ in range(firsts.size)]
    for i, split in zip(image[further].tolist(), haystack[order[further]].tolist(), strict=True):
        also_in[i].append(split)
    return ImageLeaks(
        needle[firsts],
        partner[firsts],
        relation.take(firsts),
        confirmed[firsts],
        np.bincount(image, match_count[order] * alike, firsts.size).astype(np.int64),
        [",".join(names) for names in also_in],
    )
