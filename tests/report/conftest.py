import pytest

from tests.support.report_pages import planted_audit, read_page


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """An audit of every kind of copy: its folder."""
    return planted_audit(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def page(data):
    """Its report."""
    return read_page(data / "report.html")
