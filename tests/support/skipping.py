"""Tests that lack something are skipped, or fail where nothing may be skipped."""

import os

import pytest


def missing(what, *, browser=False):
    """Skip a test for want of something.

    It fails instead where nothing may be skipped, as in .ci/run: FASTPHASH_NO_SKIPS is "all", or
    "all but browser" where no browser is installed yet.
    """
    strict = os.environ.get("FASTPHASH_NO_SKIPS")
    if strict and not (browser and strict == "all but browser"):
        pytest.fail(what)
    pytest.skip(what)
