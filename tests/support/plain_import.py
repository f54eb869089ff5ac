"""Imports plugins of pytest as Python does, their assertions as they are."""

import importlib
import sys
from unittest import mock


def import_plainly(name):
    """The module of this name: pytest rewrites all 120 modules of hypothesis in each process.

    That takes a second where nothing is kept of it, as where Python may write no bytecode.
    """
    finders = [finder for finder in sys.meta_path if not hasattr(finder, "mark_rewrite")]
    with mock.patch.object(sys, "meta_path", finders):
        return importlib.import_module(name)
