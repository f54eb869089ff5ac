"""Options that mean something together, as one value for a command and then for the library."""

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastphash.base.progress import Progress
from fastphash.base.vocabulary import CleanMode, ConflictRule, PassOrder, ViewSet
from fastphash.cli.hash_quality import ComparedOptions
from fastphash.errors import UsageError

if TYPE_CHECKING:
    from fastphash.audits.options import CopyChoices, LabelSources
    from fastphash.external.streams import HashStream
    from fastphash.files.table_formats import Format
    from fastphash.groups.grouping import Grouping
    from fastphash.images.decode import DecodeMode
    from fastphash.ingest.options import IngestOptions
    from fastphash.joins.options import JoinOptions
    from fastphash.sources.protocol import Source
    from fastphash.store.rows import HashTable
    from fastphash.verification.criteria import CopyCriteria


def gather(**groups: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Pass several options to a command as one argument.

    A group is a dataclass with the names of the options as fields: with ``search=SearchOptions``
    a command takes ``search`` instead of ``memory`` and ``explain``.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**values: Any) -> None:
            arguments = {
                name: group(**{field.name: values.pop(field.name) for field in fields(group)})
                for name, group in groups.items()
            }
            command(**values, **arguments)

        return run

    return decorate


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """The splits to hash: folders, containers, and lists of files."""

    folders: tuple[str, ...]
    files: tuple[str, ...]
    separator: bytes
    hidden: bool
    image_column: str | None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    key: str | None = None
    masks: tuple[str, ...] = ()

    def sources(self, *, masks_by_name: bool = True) -> "list[Source]":
        """Where the images are; UsageError if two clash.

        `masks_by_name` is whether names of folders tell of masks, if none are named.
        """
        from fastphash.sources.local import list_source
        from fastphash.sources.named_splits import (
            choose_files,
            leave_out_masks,
            named_sources,
        )
        from fastphash.sources.splits import check_sources

        sources = named_sources(
            self.folders, hidden=self.hidden, image_column=self.image_column, key=self.key
        )
        for text in self.files:
            split, equals, path = text.partition("=")
            if not equals:
                split, path = ("stdin" if text == "-" else Path(text).stem), text
            sources.append(list_source(split, _read_list(path), self.separator))
        check_sources(sources)
        chosen = choose_files(sources, self.include, self.exclude)
        return leave_out_masks(chosen, self.masks, by_name=masks_by_name)


def _read_list(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"can't read the list {path!r}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class HashOptions:
    """How to hash, and what a store keeps."""

    hashes: list[str]
    bits: str
    decode: "DecodeMode"
    pass_order: PassOrder
    exif: bool
    strict_imagehash: bool
    bands: str
    stretch: str
    nodata: str
    orientations: bool
    thumbnails: bool
    workers: int | None
    timeout: float
    max_pixels: int
    keep_missing: bool
    rehash: bool

    @property
    def compared_bits(self) -> int:
        """Bits of the hash that is named first."""
        from fastphash.hashing.algorithms import ALGORITHMS, algorithm_names

        return ALGORITHMS[algorithm_names(self.hashes, int(self.bits))[0]].bits

    def ingest(self) -> "IngestOptions":
        """The same, for the library."""
        from fastphash.hashing.algorithms import algorithm_names
        from fastphash.hashing.definition import Definition
        from fastphash.ingest.options import IngestOptions
        from fastphash.store.schema import Layout

        first, *further = algorithm_names(self.hashes, int(self.bits))
        definition = Definition(
            algorithm=first,
            decode=self.decode,
            pass_order=self.pass_order,
            exif=self.exif,
            sixteen_bit="clipped" if self.strict_imagehash else "stretched",
            bands=self.bands,
            stretch=self.stretch,
            nodata=self.nodata,
        )
        layout = Layout(self.orientations, self.thumbnails, tuple(further))
        return IngestOptions(
            definition,
            layout,
            self.workers,
            self.timeout,
            self.max_pixels,
            self.keep_missing,
            self.rehash,
        )


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What a search for pairs may use, and whether it explains itself."""

    memory: int | None
    explain: bool

    def join(self, progress: Progress) -> "JoinOptions":
        """The same, for the library."""
        from fastphash.base.system import return_freed_arrays
        from fastphash.cli.output_join import show_search
        from fastphash.joins.options import join_options

        if self.memory is not None:
            # freed arrays that are kept would count
            return_freed_arrays()
        options = join_options(self.memory, progress)
        return replace(options, explain=show_search) if self.explain else options


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """Which pairs count as copies, and how they are searched."""

    radius: int | None
    min_score: float | None
    verify: bool
    memory: int | None
    explain: bool

    def least_score(self) -> float | None:
        """The least score of near copies; None if thumbnails are not compared."""
        from fastphash.verification.criteria import least_score

        return least_score(self.min_score, verify=self.verify)

    def check_thumbnails(self, tables: "Mapping[str, HashTable | HashStream]") -> None:
        """Raise UsageError if a score was asked for, but a table has no thumbnails."""
        for name, table in tables.items():
            if self.min_score is not None and not table.has_thumbnails:
                raise UsageError(
                    f"--min-score needs thumbnails, and {name!r} doesn't have them: leave it out, "
                    "or hash again without --no-thumbnails"
                )

    def join(self, progress: Progress) -> "JoinOptions":
        """What the search may use, for the library."""
        return SearchOptions(self.memory, self.explain).join(progress)

    def criteria(self, progress: Progress, bits: int) -> "CopyCriteria":
        """The same, for the library, where a radius is given, for hashes of so many bits."""
        from fastphash.joins.index import check_radius
        from fastphash.verification.criteria import CopyCriteria

        assert self.radius is not None
        check_radius(self.radius, bits)
        return CopyCriteria(self.radius, self.least_score(), self.join(progress))


@dataclass(frozen=True, slots=True)
class AuditedCopyOptions(CopyOptions):
    """Which pairs count as copies in an audit, and which share of the near ones are to be some."""

    precision: float | None
    views: ViewSet | None
    looks: int | None
    min_quality: int
    propose: Path | tuple[str, ...] | None
    candidates: float | None

    def chosen(self, *, thumbnails: bool) -> "CopyChoices":
        """The same, for the library, with what the store of the audit has."""
        from fastphash.audits.options import CopyChoices

        return CopyChoices(
            self.radius,
            self.min_score,
            self.verify,
            thumbnails,
            self.precision,
            self.views,
            self.looks,
            self.propose,
            self.candidates,
        )


@dataclass(frozen=True, slots=True)
class KeeperOptions:
    """How copies are grouped, and which image of a group is its keeper."""

    grouping: "Grouping"
    keep_in: list[str]


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """Where the labels of images are."""

    coco: dict[str, Path]
    tables: dict[str, Path]
    sidecar_labels: bool
    class_folders: bool | None
    compare_masks: bool

    def sources(self) -> "LabelSources":
        """The same, for the library."""
        from fastphash.audits.options import LabelSources

        return LabelSources(self.class_folders, self.coco, self.tables, self.sidecar_labels)


@dataclass(frozen=True, slots=True)
class QueryColumns(ComparedOptions):
    """Which hashes are compared, and which column of Parquet files holds images."""

    image_column: str | None


@dataclass(frozen=True, slots=True)
class JudgedPairsOptions:
    """Which pairs an evaluation judges."""

    radius: int | None
    complete: bool
    max_pairs: int


@dataclass(frozen=True, slots=True)
class EvaluationFolder:
    """A folder for an evaluation, if one is named."""

    path: Path | None
    overwrite: bool


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What a clean plan is made by."""

    kinds: list[str]
    keep_in: list[str]
    conflicts: ConflictRule | None = None


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How a clean plan is put into effect."""

    mode: CleanMode | None
    coco: dict[str, Path]
    tables: dict[str, Path]
    null: bool
    absolute: bool
    overwrite: bool
    drop_rejected: bool


@dataclass(frozen=True, slots=True)
class AuditOutput:
    """The folder of an audit, the format of its tables, where it searches, and what is printed."""

    out: Path
    form: "Format"
    as_json: bool
    scratch: Path | None


def any_given(group: Any) -> bool:
    """Whether any option of a group was given; for groups whose defaults are all false."""
    return any(getattr(group, field.name) for field in fields(group))
