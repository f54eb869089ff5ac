"""Images hashed in this process, and how each pair of them relates."""

from fastphash.hashing.definition import Definition
from fastphash.ingest.tables import batch_table
from fastphash.ingest.worker import Hasher, Recipe
from fastphash.results.pairs import find_pairs
from fastphash.store.rows import HashTable
from fastphash.store.schema import Layout
from fastphash.verification.criteria import CopyCriteria
from tests.support.batches import reader

#: Kinds that are cleaned by default.
SURE = ("identical", "exact", "augmented")


def hash_encoded(folder, images, split="all", definition=None, layout=None):
    """The rows of images, given as bytes by name; each must be hashed."""
    definition, layout = definition or Definition(), layout or Layout()
    folder.mkdir(exist_ok=True, parents=True)
    for name, data in images.items():
        (folder / name).write_bytes(data)
    hasher = Hasher(Recipe(definition.decoding()))
    batch = hasher.hash_files(reader(folder), [name.encode() for name in images])
    assert not batch.rejected
    return HashTable(batch_table(split, batch, definition, layout), definition)


def related(rows, radius=16):
    """``{(a, b): row of the table of pairs}`` of any two different images within a radius."""
    pairs = {}
    for table in find_pairs(rows, rows, CopyCriteria(radius), 10**6):
        for row in table.to_pylist():
            if row["needle_path"] < row["haystack_path"]:
                pairs[row["needle_path"], row["haystack_path"]] = row
    return pairs
