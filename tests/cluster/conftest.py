import pytest

from fastphash.cluster.session import spark_session
from tests.support.cluster import needs_spark


@pytest.fixture(scope="session")
def spark():
    """One session for all tests of a process: `local[2]`."""
    needs_spark()
    with spark_session("local[2]") as session:
        yield session
