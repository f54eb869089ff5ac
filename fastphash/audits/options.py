"""What an audit is asked for."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastphash.base.arguments import check_quality, given_texts, is_number, is_whole, quoted
from fastphash.base.paths import given_path
from fastphash.base.text import comma_separated
from fastphash.base.vocabulary import VIEW_SETS, ViewSet
from fastphash.defaults import CANDIDATES, LOOKS, MIN_QUALITY, MIN_SCORE, PRECISION, VIEWS
from fastphash.errors import UsageError
from fastphash.external.scratch import check_folder
from fastphash.files.table_formats import FORMATS, Format
from fastphash.groups.grouping import Grouping, check_grouping
from fastphash.hashing.algorithms import ALGORITHMS
from fastphash.joins.index import MOST_BITS, check_radius
from fastphash.joins.options import JoinOptions
from fastphash.verification.criteria import check_score, least_score


@dataclass(frozen=True, slots=True)
class LabelSources:
    """Where the labels of images are.

    Attributes
    ----------
    folders : bool or None
        Whether the first folder of a path is its label; None to decide by how the folders look.
    coco : dict of str to Path
        The COCO file of each split that has one.
    tables : dict of str to Path
        The table of labels of each split that has one; none has both.
    sidecars : bool
        Whether files with the labels of one image each count, in splits that have neither.

    Raises
    ------
    UsageError
        A split has a COCO file and a table.
    """

    folders: bool | None = None
    coco: dict[str, Path] = field(default_factory=dict)
    tables: dict[str, Path] = field(default_factory=dict)
    sidecars: bool = True

    def __post_init__(self) -> None:
        for split in self.coco.keys() & self.tables.keys():
            raise UsageError(
                f"split {split!r} has a COCO file and a table: name it in `coco` or in `tables`"
            )


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """Which images are copies, which of them stay, and which labels are compared.

    Attributes
    ----------
    radius : int or None
        The largest Hamming distance of two copies, in bits. None for the largest at which an image
        has few enough candidates by chance (`fastphash.joins.chance`), or for `usual_radius` if
        nothing compares thumbnails.
    candidates : float
        How many candidates an image may have by chance, on average, where that sets a radius.
    min_score : float or None
        The least score of the thumbnails of near copies, 0 to 1; None to take all near pairs for
        copies.
    precision : float
        The share of near copies that are to be copies, between 0 and 1: where fewer are estimated
        to be, `min_score` is raised.
    keep_score : bool
        Whether `min_score` is used whatever share it gives.
    views : {"none", "centre", "all"}
        Which windows of images are compared with others, to find crops, bordered and shifted
        copies: none, the middles and what bars leave, or also windows at the sides. None where
        nothing compares thumbnails.
    looks : int
        The most pairs that are compared at their pixels: sure copies by their thumbnails, which
        are `altered` where they differ at a place; then pairs in doubt, which aligned pixels may
        decide. None are where nothing compares thumbnails.
    propose : Path or tuple of str, optional
        A table of pairs, or of vectors of any embedding, from elsewhere
        (`fastphash.audits.proposals`): they are looked at as pairs in doubt are, before others. Or
        algorithms: pairs that are near by their hashes are compared as those of the compared hash
        are (`fastphash.audits.hash_proposals`).
    grouping : {"star", "components"}
    keep_in : sequence of str
        Splits that keep their images, first to last; then the others: those for validation or
        test by name, then the smallest first.
    compare_masks : bool
        Whether images that look like masks of others are compared, too, though their names say so.
    min_quality : int
        The least quality of hashes that are compared, 0 to 100, of algorithms that have one.
    labels : LabelSources
        The labels of copies are compared with those of their keepers.
    join : JoinOptions
        What joins may use.
    table_form : {"parquet", "csv", "json"}
        Leaks, groups and conflicts are written in this format too.
    scratch : Path, optional
        Where large searches use the disk; by default they do where their hashes don't fit into
        memory, in a folder of the audit.

    Raises
    ------
    UsageError
        The radius, candidates, score, precision or quality is out of range, there are no such
        views, grouping or format, or pairs are proposed and nobody may look at them.
    """

    radius: int | None = None
    candidates: float = CANDIDATES
    min_score: float | None = MIN_SCORE
    precision: float = PRECISION
    keep_score: bool = False
    views: ViewSet = VIEWS
    looks: int = LOOKS
    propose: Path | tuple[str, ...] | None = None
    grouping: Grouping = "star"
    keep_in: Sequence[str] = ()
    compare_masks: bool = False
    min_quality: int = MIN_QUALITY
    labels: LabelSources = field(default_factory=LabelSources)
    join: JoinOptions = field(default_factory=JoinOptions)
    table_form: Format = "parquet"
    scratch: Path | None = None

    def __post_init__(self) -> None:
        if self.radius is not None:
            check_radius(self.radius, MOST_BITS)
        if not is_number(self.candidates) or not 0 < self.candidates < math.inf:
            raise UsageError(
                f"`candidates` is a number for each image, above 0, not {quoted(self.candidates)}"
            )
        check_score(self.min_score)
        if self.views not in VIEW_SETS:
            raise UsageError(f"no `views` {self.views!r}: use one of {', '.join(VIEW_SETS)}")
        check_grouping(self.grouping)
        if self.table_form not in FORMATS:
            raise UsageError(f"no format {self.table_form!r}: use one of {', '.join(FORMATS)}")
        if not is_whole(self.looks) or self.looks < 0:
            raise UsageError(f"`looks` is a number of pairs, 0 or more, not {quoted(self.looks)}")
        if isinstance(self.propose, tuple):
            self._check_proposing(self.propose)
        elif self.propose is not None and (self.min_score is None or not self.looks):
            raise UsageError(
                "`propose` needs thumbnails, and looks at pixels: allow `looks`, and compare "
                "thumbnails"
            )
        check_quality(self.min_quality)
        if self.scratch is not None:
            check_folder(self.scratch)
        if not is_number(self.precision) or not 0 < self.precision < 1:
            raise UsageError(
                f"`precision` is a share between 0 and 1, not {quoted(self.precision)}"
            )

    def _check_proposing(self, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in ALGORITHMS:
                raise UsageError(f"`propose`: no hash {name!r}: use {', '.join(ALGORITHMS)}")
        if self.min_score is None:
            raise UsageError("`propose` needs thumbnails, which tell copies among the pairs")

    @property
    def proposing(self) -> tuple[str, ...]:
        """The algorithms whose hashes propose pairs, beside the compared one."""
        return self.propose if isinstance(self.propose, tuple) else ()

    @property
    def proposals(self) -> Path | None:
        """The table of proposed pairs."""
        return self.propose if isinstance(self.propose, Path) else None


def given_proposals(value: Any) -> Path | tuple[str, ...] | None:
    """What `propose` is for a caller: a path, or names of hashes; UsageError for anything else.

    Text is the name of a hash, or of several with commas between them, if there is no such file.
    """
    if isinstance(value, str) and not os.path.exists(value):
        names = comma_separated(value)
        if names and {*names} <= ALGORITHMS.keys():
            return tuple(names)
    if isinstance(value, (list, tuple)):
        return tuple(given_texts(value, "propose"))
    return None if value is None else given_path(value)


@dataclass(frozen=True, slots=True)
class CopyChoices:
    """Which pairs a caller wants to count as copies; None for what suits the others.

    Other attributes are those of `AuditOptions`.

    Attributes
    ----------
    verify : bool
        Whether thumbnails of near pairs are compared.
    thumbnails : bool
        Whether the store of the audit has any.
    """

    radius: int | None = None
    min_score: float | None = None
    verify: bool = True
    thumbnails: bool = True
    precision: float | None = None
    views: ViewSet | None = None
    looks: int | None = None
    propose: Path | tuple[str, ...] | None = None
    candidates: float | None = None

    def options(self, **others: Any) -> AuditOptions:
        """The options of an audit with these choices, and the other attributes of `AuditOptions`.

        Raises
        ------
        UsageError
            As `AuditOptions`, or something was chosen that needs thumbnails, and there are none.
        """
        min_score = least_score(self.min_score, verify=self.verify, thumbnails=self.thumbnails)
        if min_score is None:
            self._check_blind()
        if not (self.radius is None or self.candidates is None or isinstance(self.propose, tuple)):
            raise UsageError(
                "`candidates` choose the radius: leave them out, or leave out `radius`"
            )
        return AuditOptions(
            radius=self.radius,
            candidates=CANDIDATES if self.candidates is None else self.candidates,
            min_score=min_score,
            precision=PRECISION if self.precision is None else self.precision,
            keep_score=self.min_score is not None,
            views=VIEWS if self.views is None else self.views,
            looks=LOOKS if self.looks is None else self.looks,
            propose=self.propose,
            **others,
        )

    def _check_blind(self) -> None:
        """Raise UsageError if anything was chosen that needs thumbnails to compare."""
        for name, wanted in (
            ("candidates", self.candidates is not None),
            ("precision", self.precision is not None),
            ("views", self.views not in {None, "none"}),
            ("looks", bool(self.looks)),
        ):
            if wanted:
                raise UsageError(
                    f"`{name}` needs thumbnails to compare: leave it out, or leave out `verify` "
                    "and `thumbnails`"
                )
