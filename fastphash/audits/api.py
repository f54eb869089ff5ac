"""The whole job from Python: what `fastphash audit` does, with its options as parameters."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from fastphash.audits.options import CopyChoices, LabelSources, given_proposals
from fastphash.audits.run import audit as audit_sources
from fastphash.base.arguments import given_mapping, given_texts, quoted
from fastphash.base.paths import Name, given_path, is_path, name_bytes
from fastphash.base.progress import Progress, shown
from fastphash.base.vocabulary import ViewSet
from fastphash.defaults import MAX_PIXELS, MIN_QUALITY, TIMEOUT
from fastphash.errors import UsageError
from fastphash.files.table_formats import Format
from fastphash.groups.grouping import Grouping
from fastphash.hashing.definition import Definition
from fastphash.ingest.options import hashing_options
from fastphash.joins.options import join_options
from fastphash.results.audit_folder import AuditFolder, open_audit
from fastphash.sources.local import list_source
from fastphash.sources.named_splits import choose_files, leave_out_masks, named_sources
from fastphash.sources.protocol import Source
from fastphash.sources.splits import check_split

#: Splits by their names, each with a place or several containers; or places whose splits have
#: their names, or NAME=PLACE.
Splits: TypeAlias = Mapping[str, Name | Sequence[Name]] | Sequence[Name] | Name


def audit(
    splits: Splits,
    out: Name,
    *,
    files: Mapping[str, Iterable[Name]] | None = None,
    hidden: bool = False,
    image_column: str | None = None,
    key: str | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    masks: Sequence[str] = (),
    keep_in: Sequence[str] = (),
    radius: int | None = None,
    candidates: float | None = None,
    min_score: float | None = None,
    verify: bool = True,
    precision: float | None = None,
    views: ViewSet | None = None,
    looks: int | None = None,
    propose: Name | Sequence[str] | None = None,
    grouping: Grouping = "star",
    coco: Mapping[str, Name] | None = None,
    tables: Mapping[str, Name] | None = None,
    sidecar_labels: bool = True,
    class_folders: bool | None = None,
    compare_masks: bool = False,
    min_quality: int = MIN_QUALITY,
    format: Format = "parquet",
    definition: Definition | None = None,
    hashes: Sequence[str] | None = None,
    orientations: bool = True,
    thumbnails: bool = True,
    workers: int | None = None,
    timeout: float = TIMEOUT,
    max_pixels: int = MAX_PIXELS,
    keep_missing: bool = False,
    rehash: bool = False,
    memory: int | None = None,
    scratch: Name | None = None,
    progress: bool | Progress = True,
) -> AuditFolder:
    """Find all copies in splits of images, inside each split and across splits.

    It does what `fastphash audit` does, and writes the same files. Any program may call it: a
    script on standard input, a notebook, a thread.

    Parameters
    ----------
    splits : mapping, sequence of paths, or path
        Splits by their names: ``{"train": "data/train", "val": ["a.tar", "b.tar"]}``. A place is a
        folder; a tar, tar.gz, zip or Parquet file with images; a pattern such as ``*.tar``; or a
        sequence of such files. In a sequence a place is ``"NAME=PLACE"``, or names its split
        itself.
    out : path
        A new or empty folder for the hashes and the results, or that of an earlier audit: only new
        and changed images are hashed then.
    files : mapping of str to iterable of paths, optional
        Further splits, with the files of each.
    hidden : bool
        Whether hidden files and folders are taken, too.
    image_column : str, optional
        Column of Parquet files that holds the images; by default the only one that may.
    key : str, optional
        How samples of containers get their names: ``"first-dot"`` of the member's name, the default
        of tar files; ``"last-dot"``, that of zip files; ``"full-name"``; or a column of Parquet
        files.
    include, exclude : sequence of str
        Take only files with such names, ``"*.jpg"``, and leave out those with such names; a pattern
        with a slash is compared with the path in the split or in a container, and ``**`` stands for
        any folders.
    masks : sequence of str
        Folders with the masks of images, which are not hashed, and go where their images go:
        ``"images=gt"`` has those of ``images/a/1.jpg`` in ``gt/a/``, ``".=gt"`` those of
        ``a/1.jpg`` in ``a/gt/``. ``"none"`` takes all masks for images; by default folders are
        masks that are called so beside images, unless `compare_masks`.
    keep_in : sequence of str
        Order of splits: each keeps its images rather than their copies in later ones. The others
        follow: those for validation or test by name, then the smallest first.
    radius : int, optional
        The largest Hamming distance of two copies, in bits. By default the largest at which an
        image has as many candidates by chance as `candidates` allows, at most 16 of 64 bits, or of
        256 bits 80 with up to 10,000 images and 30 with more than 100,000. If no thumbnails are
        compared, 4 by phash, 54 by phash_256 (30 with more than 100,000 images), 31 by pdq, and 0
        by others.
    candidates : float, optional
        How many candidates an image may have by chance, on average, where these choose the radius;
        10 by default. With more of them a large set is searched within more bits, and longer.
    min_score : float, optional
        Least similarity of the thumbnails of near copies, 0 to 1; 0.5 by default.
    verify : bool
        Whether thumbnails of near pairs are compared. Otherwise their distance alone decides.
    precision : float, optional
        Share of near copies that are to be copies, between 0 and 1; 0.99 by default. Where fewer
        are, by an estimate, the least score is raised, unless `min_score` gives it.
    views : {"none", "centre", "all"}, optional
        Windows of images that are compared with others, to find crops, bordered and shifted copies:
        none, the middles and what is left without bars, or all; all by default.
    looks : int, optional
        Most pairs to compare at their pixels, in supervised processes; 100,000 by default.
    propose : path, or sequence of str, optional
        A table of pairs, or of vectors of any embedding, to be compared at their pixels: see
        ``fastphash audit --propose``. Or names of `hashes`: pairs that are near by any of them are
        compared, too.
    grouping : {"star", "components"}
        In a star every copy is near the keeper; in components copies may be chained.
    coco : mapping of str to path, optional
        COCO files of splits. Copies whose annotations differ from their keeper's are conflicts.
    tables : mapping of str to path, optional
        Tables of labels of splits: CSV, Parquet or JSON lines, as ``fastphash audit --labels``
        takes them.
    sidecar_labels : bool
        Whether label files of single images count, in splits without `coco` and `tables`.
    class_folders : bool, optional
        Whether the first folder of a path is its label; by default if it looks like one.
    compare_masks : bool
        Whether images that look like masks of others are compared, though their names say so.
    min_quality : int
        Least quality of hashes that are compared, 0 to 100, of PDQ alone: 50 by default. Flat
        pictures have hashes of noise; ``summary["low_quality"]`` counts them.
    format : {"parquet", "csv", "json"}
        Write leaks, groups and conflicts in this format too; json is JSON lines.
    definition : Definition, optional
        How images are hashed; by default as ImageHash's under Pillow 13.
    hashes : sequence of str, optional
        Names of the hashes to make of each image, the one that is compared first; by default the
        definition's.
    orientations, thumbnails : bool
        Whether to look for rotated and mirrored copies, and to keep thumbnails. Without these,
        nothing tells copies from other images with the same hash.
    workers : int, optional
        Processes that hash; one for each core by default. 0 hashes in this process.
    timeout : float
        Seconds for one image; one that takes longer twice is rejected.
    max_pixels : int
        Images with more pixels, by their headers, are rejected.
    keep_missing : bool
        Keep the hashes of files that are gone.
    rehash : bool
        Read all files again, also those whose size, times and inode haven't changed.
    memory : int, optional
        Bytes that searching may take besides the hashes and thumbnails, 104,857,600 at least; by
        default half of what is free. More than 640 for each image are not taken, unless that is
        less than 134,217,728 in all.
    scratch : path, optional
        Search on the disk, in this folder, which is made and removed: for hashes of 64 bits that
        don't fit into memory. After a run that was killed, the next one goes on with what is done
        there. By default searches whose hashes alone take more than `memory` use a folder of `out`.
    progress : bool or callable
        True for a bar in a notebook (with ipywidgets) or on a terminal, and a line now and then
        elsewhere, on stderr; False for nothing; or what is called as
        ``progress(stage, done, total)``.

    Returns
    -------
    AuditFolder
        The results, as `read_audit` reads them from `out`.

    Raises
    ------
    UsageError
        A value is out of range, no such folder or split, two splits clash, or `out` holds something
        else.
    StoreError
        `out` can't be written, or a COCO file or a table can't be read.
    DefinitionError
        The hashes in `out` have another definition, or other columns.
    WorkerError
        Worker processes can't be started.
    FastphashError
        A split has no images.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from PIL import Image
    >>> import fastphash as fp
    >>> rng = np.random.default_rng(1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     train, val, out = (os.path.join(folder, name) for name in ("train", "val", "audit"))
    ...     for name in (train, val):
    ...         os.mkdir(name)
    ...     for name in ("a.png", "b.png"):
    ...         image = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).resize((64, 64))
    ...         image.save(os.path.join(train, name))
    ...     image.rotate(90).save(os.path.join(val, "turned.png"))
    ...     audit = fp.audit({"train": train, "val": val}, out, workers=0, progress=False)
    ...     leaks = audit.leaks.select(["needle_path", "haystack_path", "kind"]).to_pylist()
    >>> leaks[0]
    {'needle_path': 'turned.png', 'haystack_path': 'b.png', 'kind': 'augmented'}
    >>> audit.count_leaks()
    {'train': 1, 'val': 1}
    """
    named = _sources(splits, files, hidden=hidden, image_column=image_column, key=key)
    chosen = choose_files(named, given_texts(include, "include"), given_texts(exclude, "exclude"))
    sources = leave_out_masks(chosen, given_texts(masks, "masks"), by_name=not compare_masks)
    choices = CopyChoices(
        radius,
        min_score,
        verify,
        thumbnails,
        precision,
        views,
        looks,
        given_proposals(propose),
        candidates,
    )
    ingest = hashing_options(
        workers=workers,
        definition=definition,
        hashes=hashes,
        orientations=orientations,
        thumbnails=thumbnails,
        timeout=timeout,
        max_pixels=max_pixels,
        keep_missing=keep_missing,
        rehash=rehash,
    )
    labels = LabelSources(
        class_folders, _paths(coco, "coco"), _paths(tables, "tables"), sidecar_labels
    )
    with shown(progress) as report:
        options = choices.options(
            grouping=grouping,
            keep_in=given_texts(keep_in, "keep_in"),
            compare_masks=compare_masks,
            min_quality=min_quality,
            labels=labels,
            join=join_options(memory, report),
            table_form=format,
            scratch=None if scratch is None else given_path(scratch),
        )
        return audit_sources(given_path(out), sources, options, ingest, progress=report).folder


def read_audit(folder: Name) -> AuditFolder:
    """The results of an audit that `audit` or `fastphash audit` has written.

    Parameters
    ----------
    folder : path
        That of the audit, or the store in it.

    Raises
    ------
    UsageError
        The folder doesn't exist, or holds no audit.
    StoreError
        The audit didn't come to its end, or its files are not as it wrote them.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from PIL import Image
    >>> import fastphash as fp
    >>> image = Image.fromarray(np.random.default_rng(2).integers(0, 256, (64, 64), np.uint8))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("a.png", "b.png"):
    ...         image.save(os.path.join(folder, name))
    ...     out = os.path.join(folder, "audit")
    ...     audit = fp.audit(folder, out, workers=0, progress=False)
    ...     groups = fp.read_audit(out).groups.select(["path", "role", "kind"]).to_pylist()
    >>> groups[1]
    {'path': 'b.png', 'role': 'copy', 'kind': 'identical'}
    """
    return open_audit(given_path(folder))


def _sources(
    splits: Splits,
    files: Mapping[str, Iterable[Name]] | None,
    *,
    hidden: bool,
    image_column: str | None,
    key: str | None,
) -> list[Source]:
    if image_column is not None and not isinstance(image_column, str):
        raise UsageError(f"`image_column` is the name of a column, not {quoted(image_column)}")
    if key is not None and not isinstance(key, str):
        raise UsageError(f"`key` is a rule or the name of a column, not {quoted(key)}")
    sources = named_sources(_words(splits), hidden=hidden, image_column=image_column, key=key)
    for split, paths in given_mapping(files, "files").items():
        if is_path(paths) or not isinstance(paths, Iterable):
            raise UsageError(f"`files` has several paths for a split, not one: {quoted(paths)}")
        sources.append(list_source(split, b"\0".join(map(name_bytes, paths)), b"\0"))
    if not sources:
        raise UsageError("nothing to audit: name a folder, or `files`")
    return sources


def _words(splits: Splits) -> list[str]:
    """Splits as words, NAME=PLACE or PLACE."""
    if isinstance(splits, Mapping):
        return [
            f"{check_split(name)}={os.fsdecode(name_bytes(place))}"
            for name, places in splits.items()
            for place in _each(places)
        ]
    return [os.fsdecode(name_bytes(place)) for place in _each(splits)]


def _each(places: Name | Sequence[Name]) -> Iterable[Name]:
    if isinstance(places, str | bytes | os.PathLike):
        return [places]
    if not isinstance(places, Iterable):
        raise UsageError(f"a place of a split is a path, or several paths, not {quoted(places)}")
    return places


def _paths(files: Mapping[str, Name] | None, name: str) -> dict[str, Path]:
    return {split: given_path(file) for split, file in given_mapping(files, name).items()}
