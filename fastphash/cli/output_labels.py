"""What `audit` prints of labels: masks, label files, conflicts, and entries that can't be used."""

from typing import Any

from fastphash.base.text import count
from fastphash.cli.output import show_lines
from fastphash.cli.output_rejected import masks_in_words
from fastphash.results.audit_folder import REJECTED_ANNOTATIONS
from fastphash.results.sidecar_words import (
    ANNOTATED,
    forms_in_words,
    mask_folders_in_words,
    sidecars_in_words,
)

_MASK_LINES = 5
_LABELS_FROM_FOLDERS = "copies in other ones disagree (--no-class-folders compares no folders)"
_FROM_SIDECARS = "labels of copies are compared (--no-sidecar-labels compares none)"
# by the key of a summary's labels: the title of their files, and of entries that can't be used
_TITLES = {
    "coco": ("COCO files", "of COCO files"),
    "tables": ("Tables of labels", "of tables of labels"),
    "sidecars": ("Label files", "of label files"),
}


def show_labels(summary: dict[str, Any]) -> None:
    """All that a summary says of labels."""
    labels = summary["labels"]
    _show_masks(summary)
    if sidecars := sidecars_in_words(summary):
        show_lines("Files of the same names as images", sidecars)
    show_label_conflicts(labels)
    for sort, (title, of_files) in _TITLES.items():
        if figures := labels.get(sort):
            if "files" in figures:
                _show_files(title, figures)
            _show_rejected(of_files, figures)


def show_label_conflicts(labels: dict[str, Any]) -> None:
    """How many copies have labels that differ from their keeper's, or were not compared."""
    lines = []
    if classes := labels.get("folder", {}).get("classes"):
        lines.append(f"{count(classes, 'class folder')}; {_LABELS_FROM_FOLDERS}")
    lines += [f"{form}; {_FROM_SIDECARS}" for form in forms_in_words(labels)]
    if lines:
        show_lines("Labels", lines)
    lines = []
    if conflicts := labels.get("folder", {}).get("conflicts"):
        lines.append(f"copies in another class folder than their keeper: {conflicts:,}")
    annotated = [labels.get(sort, {}) for sort in ANNOTATED]
    if conflicts := sum(figures.get("conflicts", 0) for figures in annotated):
        lines.append(f"copies with other annotations than their keeper: {conflicts:,}")
    if parts := sum(figures.get("not_compared", 0) for figures in annotated):
        lines.append(f"cropped copies, whose annotations were not compared: {parts:,}")
    if lines:
        show_lines("Label conflicts", lines)


def _show_masks(summary: dict[str, Any]) -> None:
    """Folders of masks that weren't hashed, and images that look like masks."""
    masks = summary["masks"]
    lines = _unhashed_masks(summary)
    for one in masks[:_MASK_LINES]:
        folder = "/".join(name for name in (one["split"], one["folder"]) if name)
        folder += " (by the names of files)" if one["marked"] and one["left_out"] else ""
        images = count(one["images"], "image looks like a mask", "images look like masks")
        if one["left_out"]:
            copies = one["images"] - one["not_compared"]
            but = f", but for {count(copies, 'file')} of another split, too" if copies else ""
            what = f"not compared{but} (--compare-masks compares them)"
        else:
            what = "compared all the same; to leave them out, name the folder of pictures as split"
        lines.append(f"{folder}: {images}, {what}")
    if len(masks) > _MASK_LINES:
        lines.append(f"and {len(masks) - _MASK_LINES:,} more folders in summary.json")
    if lines:
        show_lines("Masks", lines)


def _unhashed_masks(summary: dict[str, Any]) -> list[str]:
    lines = mask_folders_in_words(summary)
    if masks := sum(split["masks"] for split in summary["splits"].values()):
        lines.append(masks_in_words(masks))
    return lines


def _show_files(title: str, figures: dict[str, Any]) -> None:
    """How files and the images of their splits match, and what they have that is odd."""
    lines = []
    for split, unknown in figures["unknown"].items():
        ambiguous, unlisted = figures["ambiguous"][split], figures["unlisted"][split]
        if unknown or ambiguous or unlisted:
            lines.append(
                f"{split}: {unknown:,} of its images are not in the split, "
                f"{ambiguous:,} match several images; {unlisted:,} images are not in the file"
            )
        if first := figures["first_unmatched"].get(split):
            lines.append(
                f"{split}: the first that matches none is {first}; {REJECTED_ANNOTATIONS} names all"
            )
        if inexact := figures["inexact"][split]:
            names = count(inexact, "name is", "names are")
            lines.append(f"{split}: {names} spelled otherwise than the file, but matched")
        if other_ids := figures.get("other_ids", {}).get(split):
            annotations = count(other_ids, "annotation has", "annotations have")
            lines.append(
                f"{split}: {annotations} the id of an image as a text instead of a number, or the "
                "other way round, but matched"
            )
    if lines:
        show_lines(title, lines)


def _show_rejected(of_files: str, figures: dict[str, Any]) -> None:
    """Entries that can't be used: the first by name."""
    lines, rejected = list(figures["first_rejected"]), sum(figures["rejected"].values())
    if rejected > len(lines):
        lines.append(f"and {rejected - len(lines):,} more in {REJECTED_ANNOTATIONS}")
    if lines:
        entries = count(rejected, "entry", "entries")
        as_is = "it is" if rejected == 1 else "they are"
        show_lines(f"{entries} {of_files} can't be used as {as_is}", lines)
