"""What a killed run leaves in the folder of a store."""

from fastphash.files import atomic
from fastphash.store.part_files import delete_former, name_drafts
from fastphash.store.store import PART_FILES, Store


def remove_leftovers(store: Store) -> list[str]:
    """Name the parts that a killed run listed and didn't name, and delete what else it left.

    Returns
    -------
    list of str
        Files that have names as of parts, but that no run has left: somebody else's.
    """
    name_drafts(store)
    atomic.remove_leftovers(store.path)
    delete_former(store)
    listed = {part.name for part in store.parts}
    names = sorted(path.name for path in store.path.glob(PART_FILES))
    return [name for name in names if name not in listed]
