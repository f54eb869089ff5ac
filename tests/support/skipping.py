"""Tests that lack something are skipped, or fail where nothing may be skipped."""

import os

import pytest


def missing(what):
    """Skip a test for want of something, but fail where nothing may be skipped, as in .ci/run."""
    if os.environ.get("FASTPHASH_NO_SKIPS"):
        pytest.fail(what)
    pytest.skip(what)
