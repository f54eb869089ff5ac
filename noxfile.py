"""Tasks: ``nox -s test``, ``lint``, ``docs``, ``bench -- NAME [OPTIONS]``, ``ci``."""

import nox

nox.needs_version = ">=2024.4"
nox.options.sessions = ["lint", "test"]


@nox.session
def test(session: nox.Session) -> None:
    """The tests but for slow ones; others by pytest's options, behind ``--``."""
    session.install("-e", ".[test]")
    session.run("pytest", *(session.posargs or ["-m", "not slow"]))


@nox.session
def lint(session: nox.Session) -> None:
    """Style by ruff, types by mypy --strict."""
    session.install("-e", ".[test,bench,docs]")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    for system in ("win32", "darwin"):
        session.run("mypy", "--platform", system, "fastphash")


@nox.session
def docs(session: nox.Session) -> None:
    """The documents as a site in ``site/``; ``nox -s docs -- serve`` shows them while you write."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]))


@nox.session
def bench(session: nox.Session) -> None:
    """One benchmark of benchmarks/README.md: ``nox -s bench -- speed.joins --rounds 3``."""
    if not session.posargs:
        session.error("name one of benchmarks/README.md: nox -s bench -- speed.joins")
    name, *options = session.posargs
    session.install("-e", ".[bench,inspect]")
    session.run("python", "-m", f"benchmarks.{name}", *options)


@nox.session(venv_backend="none")
def ci(session: nox.Session) -> None:
    """Everything, from fresh environments, as the server does it."""
    session.run("bash", ".ci/run", external=True)
