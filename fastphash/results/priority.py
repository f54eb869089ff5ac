"""Which of several copies stays, and why: rows in order of priority."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.errors import UsageError
from fastphash.files import parquet
from fastphash.labels.levels import ANNOTATED, LEVEL, UNKNOWN, levels_of
from fastphash.results.copy_marks import has_copy_mark
from fastphash.sources.split_names import TEST, TRAINING, VALIDATION, split_words
from fastphash.store.rows import HashTable

# words in the names of splits that are for evaluation
_EVALUATION = {*VALIDATION, *TEST}
# formats that lose nothing, whatever their size
_LOSSLESS = pa.array(["PNG", "TIFF", "BMP", "PPM"])
# lossless before lossy, before formats with few colours
_LOSSY_CLASS, _FEW_COLOURS_CLASS = 1, 2

#: Why a keeper stays rather than its copy, beside "SPLIT before SPLIT": the first that holds.
REASONS = (
    "annotated",
    "listed among the labels",
    "more pixels",
    "less compressed",
    "name without copy mark",
    "shorter name",
    "first name",
)
# columns that the criteria need
_COLUMNS = ("path", "path_bytes", "size", "format", "width", "height", LEVEL)
#: Columns that the order of rows depends on.
PRIORITY_COLUMNS = ("split", *_COLUMNS)


def is_for_evaluation(split: str) -> bool:
    """Whether a split is for validation or test, by a word in its name.

    >>> is_for_evaluation("val2017"), is_for_evaluation("testset"), is_for_evaluation("train_val")
    (True, True, False)
    """
    words = split_words(split)
    return bool(words & _EVALUATION) and not words.intersection(TRAINING)


def order_splits(rows: HashTable) -> list[str]:
    """Splits in the order in which they keep their images, by default.

    Those for evaluation come first, by their names; then those with annotations; and the smaller
    first, by all of these rows (equal sizes by name).

    Examples
    --------
    >>> from fastphash.hashing.definition import Definition
    >>> split = pa.array(["train", "val", "val", "extra", "train"]).dictionary_encode()
    >>> order_splits(HashTable(pa.table({"split": split}), Definition()))
    ['val', 'extra', 'train']
    """
    split = rows.table["split"]
    labelled = parquet.count_values(split.filter(pa.array(levels_of(rows) != UNKNOWN)))
    return order_counted(parquet.count_values(split), labelled)


def order_counted(counts: Mapping[str, int], labelled: Collection[str] = ()) -> list[str]:
    """Splits of so many rows each, some of them with annotations, as `order_splits` has them."""

    def rank(name: str) -> tuple[bool, bool, int, str]:
        return not is_for_evaluation(name), name not in labelled, counts[name], name

    return sorted(counts, key=rank)


def keep_in_first(order: Sequence[str], keep_in: Sequence[str]) -> list[str]:
    """Splits in this order, but those of `keep_in` before all others.

    Raises
    ------
    UsageError
        `keep_in` names a split that isn't there.

    Examples
    --------
    >>> keep_in_first(["val", "extra", "train"], ["train"])
    ['train', 'val', 'extra']
    """
    for name in keep_in:
        if name not in order:
            there = ", ".join(sorted(order))
            raise UsageError(f"no split {name!r} to keep images in: there are {there}")
    return [*keep_in, *(name for name in order if name not in keep_in)]


def priority(rows: HashTable, split_order: Sequence[str]) -> NDArray[np.int64]:
    """Rows in order of priority, int64 (n,): the first of a group is its keeper.

    By their splits; then by what tells an original from its copies, see `REASONS`; and by the bytes
    of their paths. Every two rows have a fixed order, whatever other rows there are in their
    splits.

    Parameters
    ----------
    rows : HashTable
    split_order : sequence of str
        Every split of the rows, as of `order_splits` or `keep_in_first`.
    """
    order = pa.array(split_order, pa.string())
    split_rank = pc.index_in(rows.table["split"].cast(pa.string()), order).to_numpy()
    # stable, as the sort by all other criteria is
    by_path = pc.sort_indices(rows.paths).to_numpy().astype(np.int64)
    criteria = [column[by_path] for column in (split_rank, *_criteria(rows))]
    ranked: NDArray[np.int64] = by_path[np.lexsort(criteria[::-1])]
    return ranked


def keeper_reasons(
    rows: HashTable, copies: NDArray[np.int64], keepers: NDArray[np.int64]
) -> pa.Array:
    """Why each keeper stays rather than its copy, dictionary<string> (n,).

    The first criterion by which the keeper comes before the copy: "val before train" or one of
    `REASONS`; null where an image is its own keeper.
    """
    split = rows.table["split"].cast(pa.string())
    gone, kept = split.take(pa.array(copies)), split.take(pa.array(keepers))
    seen = [name for name in _COLUMNS if name in rows.table.column_names]
    narrow = HashTable(rows.table.select(seen), rows.definition)
    copy, keeper = narrow.take(copies), narrow.take(keepers)
    level, *others = (a != b for a, b in zip(_criteria(copy), _criteria(keeper), strict=True))
    annotated = levels_of(keeper) == ANNOTATED
    # the first that is true tells; where nothing else differs, the paths do
    apart = [level & annotated, level, *others, np.ones(copies.size, np.bool_)]
    own = pa.array(REASONS).take(pa.array(np.stack(apart).argmax(axis=0)))
    reasons = pc.if_else(
        pc.equal(gone, kept), own, pc.binary_join_element_wise(kept, gone, " before ")
    )
    reasons = pc.if_else(pa.array(copies == keepers), pa.scalar(None, pa.string()), reasons)
    return reasons.combine_chunks().dictionary_encode()


def _criteria(rows: HashTable) -> list[NDArray[np.int64]]:
    """What tells an original from its copies, most important first; the smaller value stays.

    Each int64 (n,): the level of its labels, pixels, compression, a mark of a copy in its name,
    length of its path.
    """
    pixels = rows.numbers("width") * rows.numbers("height")
    marked = has_copy_mark(rows.table["path"]).astype(np.int64)
    length = pc.binary_length(rows.paths).to_numpy().astype(np.int64)
    return [levels_of(rows).astype(np.int64), -pixels, _compression(rows), marked, length]


def _compression(rows: HashTable) -> NDArray[np.int64]:
    """How much an image is compressed, int64 (n,), to be compared at equal numbers of pixels.

    A lossless file has at least what any lossy one of the same pixels has, so it comes first: a
    PNG made of a JPEG only costs more room, but a JPEG made of a PNG has lost something. Its bytes
    say only how well it is packed. The lossy file with more bytes comes first, in steps of a tenth:
    some bytes of metadata say nothing about pixels.
    """
    # mantissa and exponent are exact, a logarithm isn't the same on every machine
    mantissa, exponent = np.frexp(rows.numbers("size").astype(np.float64))
    steps = 8 * exponent.astype(np.int64) + (16 * mantissa).astype(np.int64)
    if "format" not in rows.table.column_names:
        return -steps
    form = rows.table["format"].cast(pa.string())
    format_class = np.full(len(rows), _LOSSY_CLASS, np.int64)
    lossless = pc.is_in(form, _LOSSLESS).to_numpy(zero_copy_only=False)
    format_class[lossless] = 0
    format_class[pc.equal(form, "GIF").fill_null(False).to_numpy(zero_copy_only=False)] = (
        _FEW_COLOURS_CLASS
    )
    return (format_class << 32) - np.where(lossless, 0, steps)
