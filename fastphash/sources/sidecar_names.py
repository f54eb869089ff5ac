"""Names of files that may belong to an image, such as its label."""

import os

#: Endings of files that belong to an image.
ENDINGS = frozenset((b".txt", b".json", b".xml", b".cls", b".npy"))


def is_sidecar_name(name: bytes) -> bool:
    """Whether a file may belong to an image, by its ending."""
    return os.path.splitext(name)[1].lower() in ENDINGS
