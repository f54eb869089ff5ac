"""How much a test tries.

Little in the fast run, more in .ci/run's slow step, and most in a campaign.
"""

import pytest

from tests.support.plain_import import import_plainly

settings = import_plainly("hypothesis").settings

#: Examples of a property that says nothing else, by profile of hypothesis.
PROFILES = {"fast": 20, "full": 100}


def examples(full, fast=PROFILES["fast"]):
    """Settings of a property that has its own number of examples."""
    asked = settings().max_examples >= PROFILES["full"]
    return settings(max_examples=full if asked else min(fast, full))


def campaign_of(count, *, least=None):
    """How much a slow test tries: the least each time, and the count in a campaign."""
    whole = pytest.param(count, marks=pytest.mark.campaign)
    return [whole] if least is None else [least, whole]


def slow_but(fast, cases, number=1):
    """The cases of so many parameters at once: those that aren't among the fast ones are slow."""
    assert all(case in cases for case in fast)
    slow = pytest.mark.slow
    return [
        case if case in fast else pytest.param(*([case] if number == 1 else case), marks=slow)
        for case in cases
    ]
