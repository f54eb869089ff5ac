import importlib.metadata

import pytest

import fastphash
from fastphash.base import versions
from fastphash.base.versions import version_of
from tests.support.command_line import run


def test_versions_of_packages():
    assert version_of("fastphash") == importlib.metadata.version("fastphash")
    assert version_of("no-package-of-this-name") == "unknown"


@pytest.mark.parametrize("answer", [None, importlib.metadata.PackageNotFoundError("fastphash")])
def test_a_package_without_metadata(monkeypatch, answer):
    def version(_):
        if answer:
            raise answer

    monkeypatch.setattr(versions, "version", version)
    assert fastphash.__version__ == "unknown"
    assert run("--version").stdout == "fastphash, version unknown\n"
