"""Groups, rows and polygons for tests of labels."""

import numpy as np
import pyarrow as pa

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.labels.coco_labels import CocoLabels
from fastphash.labels.conflicts import annotation_conflicts
from fastphash.labels.shapes import Shape
from fastphash.results.schemas import GROUPS_SCHEMA
from tests.support.stores import hashes_of

EIGHT = range(len(ORIENTATIONS))


def groups_of(*groups):
    """A table of groups: each a list of (split, path, kind, orientation), the keeper first."""
    rows = []
    for number, members in enumerate(groups):
        for i, (split, path, *relation) in enumerate(members):
            kind, orientation = (*relation, "identity")[:2] if relation else (None, None)
            rows.append(
                {
                    "group": number,
                    "split": split,
                    "path": text_of(path),
                    "path_bytes": exact_of(path),
                    "role": "copy" if i else "keeper",
                    "kind": kind,
                    "distance": 1 if i else 0,
                    "orientation": orientation,
                    "score": 1.0 if i else None,
                    "colour": "same" if i else None,
                    "colour_distance": 0.0 if i else None,
                    "same_pixels": None,
                    "looked": False,
                    "window": None,
                    "window_of": None,
                    "place": None,
                    "keeper_split": members[0][0],
                    "keeper_path": text_of(members[0][1]),
                    "keeper_reason": "first name" if i else None,
                    "keeper_path_bytes": exact_of(members[0][1]),
                }
            )
    columns = {
        field.name: pa.array([row[field.name] for row in rows], field_type(field))
        for field in GROUPS_SCHEMA
    }
    return pa.table(columns).cast(GROUPS_SCHEMA)


def text_of(path):
    return path.decode(errors="replace") if isinstance(path, bytes) else path


def exact_of(path):
    return path if isinstance(path, bytes) else None


def field_type(field):
    return pa.string() if pa.types.is_dictionary(field.type) else field.type


def rows_of(*images):
    """Rows of a store: (split, path, width, height) each."""
    split, path, width, height = zip(*images, strict=True)
    exact = [name if isinstance(name, bytes) else None for name in path]
    return hashes_of(
        {
            "split": pa.array(split).dictionary_encode(),
            "path": [n.decode(errors="replace") if isinstance(n, bytes) else n for n in path],
            "path_bytes": pa.array(exact, pa.binary()),
            "width": pa.array(width, pa.int32()),
            "height": pa.array(height, pa.int32()),
        }
    )


def coco_conflicts(groups, rows, files):
    """Copies with other annotations than their keepers, by COCO files."""
    sources = {split: CocoLabels(path) for split, path in files.items()}
    return annotation_conflicts(groups, rows, sources)


def polygon(points, category="thing"):
    ring = np.array(points, float)
    return Shape(category, np.stack([ring.min(axis=0), ring.max(axis=0)]), [ring])
