"""Files with the class of one image, as WebDataset has them: a number or a word."""

import numpy as np

from fastphash.base.text import encodable
from fastphash.labels.label_text import LabelFileError, as_text
from fastphash.labels.shapes import ReadShapes, Shape, shown

# characters: names of classes are shorter
_LONGEST = 200
_NOWHERE = np.full((2, 2), np.nan)


def read_class(data: bytes, size: tuple[int, int] = (1, 1)) -> ReadShapes:  # noqa: ARG001 - no place
    """The class of an image, as a shape without a place.

    Raises
    ------
    LabelFileError
        It isn't one line of text.
    """
    name = as_text(data).strip()
    if not name or len(name) > _LONGEST or len(name.splitlines()) > 1:
        raise LabelFileError(f"no class in one line: {shown(name)}")
    return ReadShapes([Shape(encodable(name), _NOWHERE, [])], [])
