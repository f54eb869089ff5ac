"""Compiles modules in several processes at once: each takes the next that none has taken."""

import importlib
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager


@contextmanager
def compiled_by_two(names):
    """Import modules, each in this process or in another, which begins before what is inside."""
    with tempfile.TemporaryDirectory() as taken:
        words = [sys.executable, __file__, taken, *names]
        with subprocess.Popen(words, stdin=subprocess.DEVNULL):
            yield
            import_untaken(taken, names)


def import_untaken(taken, names):
    """Import modules that no process has taken; `taken` is a folder with a file for each taken."""
    for name in names:
        try:
            os.close(os.open(os.path.join(taken, name), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        importlib.import_module(name)


if __name__ == "__main__":
    import_untaken(sys.argv[1], sys.argv[2:])
