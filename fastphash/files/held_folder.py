"""A folder that is found again after another program has renamed it."""

import contextlib
import os
from typing import Self

from fastphash.files.exclusive_rename import NO_LINKS

_CAN_HOLD = hasattr(os, "O_DIRECTORY") and os.link in os.supports_dir_fd


class HeldFolder:
    """A folder, held open by a context; where folders can't be opened, calls do nothing.

    A file in it whose name is taken away would be found by nobody if the folder got another name.

    Attributes
    ----------
    descriptor : int
        -1 if it isn't open.
    """

    def __init__(self, folder: bytes) -> None:
        self.descriptor = -1
        if not _CAN_HOLD:
            return
        # one that may be written to, but not be listed, can't be opened
        with contextlib.suppress(OSError):
            self.descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)

    def rename_within(self, name: bytes, new: bytes) -> None:
        """Rename a file of the folder, if it is there and nothing has the new name."""
        here = self.descriptor
        if here < 0 or not self._has(name):
            return
        with contextlib.suppress(FileExistsError):
            try:
                os.link(name, new, src_dir_fd=here, dst_dir_fd=here, follow_symlinks=False)
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                if not self._has(new):
                    os.rename(name, new, src_dir_fd=here, dst_dir_fd=here)
            else:
                os.unlink(name, dir_fd=here)
            os.fsync(here)

    def _has(self, name: bytes) -> bool:
        try:
            os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True
