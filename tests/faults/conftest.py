import pytest

from tests.support.command_line import screen
from tests.support.forks import Forks


@pytest.fixture(scope="session")
def forks():
    """forks.run(action, ...): a process of its own that everything is imported in."""
    with Forks(screen()) as started:
        yield started
