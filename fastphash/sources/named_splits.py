"""Splits as words: ``[SPLIT=]PLACE``: a folder, containers, or either by its address."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from fastphash.base.arguments import quoted
from fastphash.base.paths import is_inside, with_slashes
from fastphash.errors import UsageError
from fastphash.images.sniff import promises_image
from fastphash.sources.container_source import ContainerSource, common_root, container_source
from fastphash.sources.containers import (
    CONTAINER_ENDINGS,
    columns_of,
    hash_column,
    is_container,
)
from fastphash.sources.containers.keys import FULL_NAME, check_key, is_parquet, key_rule
from fastphash.sources.local import LocalSource, folder_source
from fastphash.sources.mask_folders import FolderPair, forget_images, mask_folders, masks_of_image
from fastphash.sources.name_patterns import NamePatterns
from fastphash.sources.patterns import find_files, has_pattern
from fastphash.sources.protocol import Source
from fastphash.sources.remote.address import is_remote, is_web
from fastphash.sources.remote.find import checked_address, find_objects
from fastphash.sources.remote.objects import ObjectSource
from fastphash.sources.splits import WITHOUT_IMAGES, check_split


def named_sources(
    words: Iterable[str],
    *,
    hidden: bool = False,
    image_column: str | None = None,
    key: str | None = None,
) -> list[Source]:
    """The splits of some words, in their order.

    Containers of one name, in several words, are one split. Without a name, a split has that of its
    folder or its container; one of a pattern, that of the folder of its containers, however many
    there are.

    Parameters
    ----------
    words : iterable of str
    hidden : bool
        Whether hidden files, folders and members belong to them.
    image_column : str, optional
        Column of Parquet files with the images.
    key : str, optional
        How the keys of members are made, as of `key_rule`.

    Raises
    ------
    UsageError
        No such folder or file, one that is no container, no usable name or address, `key` says
        nothing about these containers, or obstore is needed and isn't installed.
    RemoteError
        A bucket can't be listed in which a pattern is to be found.
    """
    places: list[Source | _Containers] = []
    named: dict[str, _Containers] = {}
    for word in words:
        name, place = _name_of(word)
        if not _names_containers(place):
            if is_remote(os.fsencode(place)):
                places.append(_objects(name, place, hidden=hidden))
            else:
                places.append(folder_source(word, hidden=hidden))
            continue
        found = _find_containers(place, image_column)
        if name in named:
            named[name].files.extend(found)
            continue
        containers = _Containers(name or _default_name(place, found), found)
        places.append(containers)
        # without a name each word is a split of its own
        if name:
            named[name] = containers
    _check_key(key, places)
    return [
        container_source(*place, image_column=image_column, hidden=hidden, key=key)
        if isinstance(place, _Containers)
        else place
        for place in places
    ]


def choose_files(
    sources: Iterable[Source], include: Sequence[str], exclude: Sequence[str]
) -> list[Source]:
    """The same splits without the files that patterns leave out.

    Parameters
    ----------
    sources : iterable of Source
    include, exclude : sequence of str
        As of `NamePatterns`.

    Raises
    ------
    UsageError
        A pattern names nothing, or a split has Parquet files whose keys aren't the paths of images.
    """
    if not include and not exclude:
        return list(sources)
    patterns = NamePatterns(tuple(include), tuple(exclude))
    chosen: list[Source] = []
    for source in sources:
        assert isinstance(source, LocalSource | ObjectSource | ContainerSource)
        _check_relative(patterns, source)
        if isinstance(source, ContainerSource):
            _check_paths(source)
        chosen.append(replace(source, patterns=patterns))
    return chosen


def _check_paths(source: ContainerSource) -> None:
    rules = {key_rule(name, source.key) for name in source.containers if is_parquet(name)}
    if rules - {FULL_NAME}:
        raise UsageError(
            f"`key` {quoted(source.key)} takes the place of the paths in Parquet files, by which "
            "`include` and `exclude` choose: leave out one of them"
        )


def _check_relative(patterns: NamePatterns, source: Source) -> None:
    """UsageError for a pattern that begins with the folder of a split, as no path in it does."""
    root = os.fsdecode(source.root)
    for name, several in (("include", patterns.include), ("exclude", patterns.exclude)):
        for pattern in several:
            if is_inside(pattern, root):
                inside = with_slashes(pattern[len(root) :]).lstrip("/")
                raise UsageError(
                    f"`{name}` {quoted(pattern)} matches nothing, because patterns begin in split "
                    f"{source.split!r}: write {quoted(f'/{inside}')}"
                )


def leave_out_masks(
    sources: Iterable[Source], masks: Sequence[str], *, by_name: bool = True
) -> list[Source]:
    """The same splits without the images that are masks of others, by the folders that they lie in.

    Parameters
    ----------
    sources : iterable of Source
        Their patterns count: what these leave out has no masks.
    masks : sequence of str
        As of `mask_folders`.
    by_name : bool
        Whether folders that are called masks hold any, if `masks` is empty. Only those of folders
        do: a list names its files.

    Raises
    ------
    UsageError
        A word is no pair of folders, no image of any split has a mask by it, or a split lies in
        containers or a bucket.
    """
    folders = mask_folders(masks, by_name=by_name)
    chosen: list[Source] = []
    for source in sources:
        if isinstance(source, LocalSource):
            is_chosen = folders.pairs or not source.listed
            chosen.append(replace(source, masks=folders) if is_chosen else source)
        elif folders.pairs:
            raise UsageError(
                "`masks` names folders beside those of images on a disk, and split "
                f"{source.split!r} lies in containers or a bucket: leave one of them out"
            )
        else:
            chosen.append(source)
    _check_pairs(chosen, folders.pairs)
    return chosen


def _check_pairs(sources: Iterable[Source], pairs: Iterable[FolderPair]) -> None:
    """UsageError for a pair by which no image has a mask; all images are looked at only then."""
    forget_images()
    missing = dict.fromkeys(pairs, False)
    images = (
        os.path.join(source.root, entry.path)
        for source in sources
        for entry in source.entries()
        if missing and not entry.hidden and promises_image(entry.path)
    )
    for image in images:
        for pair in [*missing]:
            if masks_of_image(image, [pair]):
                del missing[pair]
            elif not missing[pair]:
                folder = pair.masks_of(os.path.dirname(image))
                missing[pair] = folder is not None and os.path.isdir(folder)
        if not missing:
            return
    for pair, is_there in missing.items():
        raise UsageError(f"`masks` {quoted(str(pair))}: {_why_no_masks(pair, is_there=is_there)}")


def _why_no_masks(pair: FolderPair, *, is_there: bool) -> str:
    if is_there:
        return "no image has a mask there: masks have the names of their images, but for the ending"
    masks, pictures = (quoted(os.fsdecode(name)) for name in (pair.masks, pair.pictures))
    where = f"beside a folder {pictures}" if pair.pictures else "in a folder"
    return f"no folder {masks} lies {where} with images of the splits"


class _Containers(NamedTuple):
    """Containers of one split, by its name."""

    split: str
    files: list[bytes]


def _check_key(key: str | None, places: Iterable[Source | _Containers]) -> None:
    if key is not None:
        several = (place.files for place in places if isinstance(place, _Containers))
        check_key(key, [file for files in several for file in files])


def _name_of(word: str) -> tuple[str, str]:
    """The name of a split, or none, and its place."""
    name, equals, place = word.partition("=")
    # an address may have the sign, too: s3://bucket/year=2020
    if not equals or is_remote(os.fsencode(word)) or os.path.lexists(word):
        return "", word
    return name, place


def _names_containers(place: str) -> bool:
    if os.path.isdir(place):
        return False
    return place.lower().endswith(CONTAINER_ENDINGS) or has_pattern(place)


def _objects(name: str, place: str, *, hidden: bool) -> ObjectSource:
    """The split of an address that names no containers."""
    root = checked_address(place)
    if is_web(place):
        raise UsageError(
            f"{place!r}: a web server can't be asked what it has: name a file that ends with "
            f"{_ENDINGS_WORDS}"
        )
    return ObjectSource(check_split(name or os.path.basename(os.fsdecode(root))), root, hidden)


def _find_containers(place: str, image_column: str | None) -> list[bytes]:
    found = find_objects(place) if is_remote(os.fsencode(place)) else find_files(place)
    for file in found:
        if is_container(os.fsencode(file), image_column):
            continue
        if file.lower().endswith(".parquet") and not os.path.isdir(file):
            raise UsageError(_no_images(file, image_column))
        what = f"{file!r} is no container"
        if os.path.isdir(file):
            what = f"{file!r} is a folder"
        matched = f"{place!r} matches more than containers: " if len(found) > 1 else ""
        raise UsageError(f"{matched}{what}: name files that end with {_ENDINGS_WORDS}")
    return [os.fsencode(file) for file in found]


def _no_images(file: str, image_column: str | None) -> str:
    """What is said of a table of hashes that doesn't have the column of images that is named."""
    columns = columns_of(os.fsencode(file))
    named = "" if image_column is None else f"; {image_column!r} is none of its columns"
    return (
        f"{file!r} has a column {hash_column(columns)}, so it is a table of hashes and its images "
        f"aren't looked for: {WITHOUT_IMAGES}. If images lie in it too, name their column as "
        f"`image_column`{named}"
    )


_ENDINGS_WORDS = f"{', '.join(CONTAINER_ENDINGS[:-1])} or {CONTAINER_ENDINGS[-1]}"


def _default_name(place: str, found: list[bytes]) -> str:
    if len(found) == 1 and not has_pattern(place):
        stem = os.path.basename(os.fsdecode(found[0]))
        ending = next(ending for ending in CONTAINER_ENDINGS if stem.lower().endswith(ending))
        return stem[: -len(ending)]
    return os.path.basename(os.fsdecode(common_root(found))) or place
