"""Names of fastphash's own files beside those of users: they are never walked as images."""

import os

import xxhash

_PREFIX = b".fastphash-"
_TAKEN = _PREFIX + b"taken-"
#: With this begin the folders of joins on the disk, in the scratch folder that a user names.
JOIN_PREFIX = "fastphash-join-"
# bytes that a name may have on most file systems
_LONGEST = 255
# processes that copy the same bytes to the same folder at once
_MOST_COPIES = 8


def is_own_name(name: bytes) -> bool:
    """Whether a file of this name, without its folder, is one of fastphash's."""
    return name.startswith(_PREFIX)


def is_join_name(name: bytes) -> bool:
    """Whether a folder of this name is that of a join on the disk, perhaps of a killed run."""
    return name.startswith(JOIN_PREFIX.encode())


def is_taken_name(name: bytes) -> bool:
    """Whether a file of this name, without its folder, is a user's that a move has taken away."""
    return name.startswith(_TAKEN)


def taken_name(path: bytes) -> bytes:
    """The name of a file while it is moved, in its own folder: always the same for one path."""
    folder, name = os.path.split(path)
    return os.path.join(folder, _TAKEN + with_room(name, len(_TAKEN)))


def with_room(name: bytes, more: int) -> bytes:
    """A name that takes `more` bytes beside it: this one, or a digest of it if it is too long."""
    fits = len(name) + more <= _LONGEST
    return name if fits else xxhash.xxh3_128_hexdigest(name).encode()


def copy_names(target: bytes, digest: bytes) -> list[bytes]:
    """The names that a copy may have until it is complete, in the target's folder.

    Always the same for both, one for each of several processes that copy the same bytes at once.
    """
    name = os.path.join(os.path.dirname(target), _PREFIX + digest.hex().encode())
    return [name, *(b"%s-%d" % (name, number) for number in range(2, _MOST_COPIES + 1))]


def leftovers_of(source: bytes, target: bytes, digest: bytes) -> tuple[bytes, list[bytes]]:
    """The names that a killed move may have left: of the file itself, and of its copies."""
    return taken_name(source), copy_names(target, digest)


class FolderNames:
    """The names in folders, letter by letter, each folder listed when it is first asked for.

    Where upper and lower case are one, ``os.path.lexists`` finds a file under names that aren't
    its own.
    """

    def __init__(self) -> None:
        self._listed: dict[bytes, frozenset[bytes]] = {}
        self._own: dict[bytes, bool] = {}

    def __contains__(self, path: bytes) -> bool:
        folder, name = os.path.split(path)
        return name in self._names_in(folder)

    def has_own_beside(self, path: bytes) -> bool:
        """Whether the folder of a path has any file of fastphash's: quickly told of many paths."""
        folder = os.path.dirname(path)
        if folder not in self._own:
            self._own[folder] = any(map(is_own_name, self._names_in(folder)))
        return self._own[folder]

    def forget(self, path: bytes) -> None:
        """List the folder of a path anew when it is asked for again."""
        folder = os.path.dirname(path)
        self._listed.pop(folder, None)
        self._own.pop(folder, None)

    def _names_in(self, folder: bytes) -> frozenset[bytes]:
        if folder not in self._listed:
            try:
                self._listed[folder] = frozenset(os.listdir(folder))
            except OSError:
                self._listed[folder] = frozenset()
        return self._listed[folder]
