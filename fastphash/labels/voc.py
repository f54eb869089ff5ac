"""Pascal VOC's labels: an XML file for each image. Hostile XML is refused by defusedxml."""

import math
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from fastphash.base.text import encodable
from fastphash.labels.label_text import LabelFileError, as_text, check_count
from fastphash.labels.shapes import UNREADABLE, ReadShapes, Shape, shown

# a file of a thousand objects has less than half a megabyte; elements of one tag take a hundred
# times their bytes
_MAX_SIZE = 4 << 20
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_NOWHERE = np.full((2, 2), np.nan)


def read_voc(data: bytes, size: tuple[int, int] = (1, 1)) -> ReadShapes:  # noqa: ARG001 - in pixels
    """The objects of an image, and what is wrong with them, a line each.

    An object without a box, such as one that is only named, has no place.

    Raises
    ------
    LabelFileError
        It is no XML of annotations, or has entities or far too many objects.
    """
    shapes, problems = [], []
    items = _annotation(data).findall("object")
    check_count(len(items))
    for number, item in enumerate(items):
        name = (item.findtext("name") or "").strip()
        box = _box_of(item)
        if not name:
            problems.append(f"object {number} has no name")
        elif box is None:
            corners = [(item.findtext(f"bndbox/{corner}") or "") for corner in _CORNERS]
            problems.append(f"object {number} has no bndbox of numbers: {shown(corners)}")
        if name and box is not None:
            shapes.append(Shape(encodable(name), box, []))
        else:
            shapes.append(Shape(UNREADABLE, _NOWHERE, []))
    return ReadShapes(shapes, problems)


def _annotation(data: bytes) -> Element:
    if len(data) > _MAX_SIZE:
        raise LabelFileError(f"larger than {_MAX_SIZE >> 20} MB, so these are no labels")
    try:
        root: Element = fromstring(_decoded(data), forbid_dtd=True)
    except DefusedXmlException as error:
        raise LabelFileError("it has a document type or entities, which labels don't need") from (
            error
        )
    except ParseError as error:
        raise LabelFileError(f"no XML: {error}") from error
    # an encoding that Python or the parser doesn't know
    except (LookupError, ValueError, RecursionError) as error:
        raise LabelFileError(f"XML that can't be read: {shown(str(error))}") from error
    if root.tag != "annotation":
        raise LabelFileError(f"no <annotation>, but <{shown(root.tag)[1:-1]}>")
    return root


def _decoded(data: bytes) -> bytes | str:
    """XML that says no encoding and is no UTF-8 is taken for Latin-1."""
    if b"encoding" in data[:200]:
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        return as_text(data)
    return data


def _box_of(item: Element) -> np.ndarray[tuple[int, int], np.dtype[np.float64]] | None:
    """The corners of an object; NaN if it has no box, None if that can't be read."""
    if item.find("bndbox") is None:
        return _NOWHERE
    try:
        numbers = [float(item.findtext(f"bndbox/{corner}") or "") for corner in _CORNERS]
    except ValueError:
        return None
    return np.array(numbers).reshape(2, 2) if all(map(math.isfinite, numbers)) else None
