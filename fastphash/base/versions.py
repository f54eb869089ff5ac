"""Versions of installed packages, as outputs name them: nothing depends on one."""

from importlib.metadata import PackageNotFoundError, version


def version_of(package: str) -> str:
    """The version of an installed package, by the name it has on a package index.

    "unknown" where the package is there without metadata or under another name: copied, or built
    by someone else.
    """
    try:
        # metadata without a version is None
        return version(package) or "unknown"
    except PackageNotFoundError:
        return "unknown"
