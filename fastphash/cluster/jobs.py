"""Jobs in a session that others use, too: told from theirs, and cancelled with what they are for.

A call that is interrupted here leaves its job to run on in the cluster.
"""

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

_NAMES = ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel")
# the group of the jobs that are under way, by session
_groups: dict[int, str] = {}


@contextlib.contextmanager
def cancelled_with(session: Any) -> Iterator[None]:
    """Cancel the jobs of this context, and of threads that have joined it, if it fails."""
    if id(session) in _groups:
        yield
        return
    before = {} if _is_connected(session) else _properties(session)
    _groups[id(session)] = f"fastphash-{uuid.uuid4().hex}"
    try:
        join_jobs(session)
        yield
    except BaseException:
        cancel_jobs(session)
        raise
    finally:
        _leave_jobs(session, before)
        del _groups[id(session)]


def join_jobs(session: Any) -> None:
    """Count what this thread has a session do from here on among the jobs of its context."""
    group = _groups.get(id(session))
    if group is None:
        return
    if _is_connected(session):
        session.addTag(group)
    else:
        # Python workers are interrupted as well: a stage may search for minutes
        session.sparkContext.setJobGroup(group, "fastphash", interruptOnCancel=True)


def cancel_jobs(session: Any) -> None:
    """Cancel the jobs of the context; nobody waits for it."""
    group = _groups.get(id(session))
    # it may be gone
    with contextlib.suppress(Exception):
        if group is not None and _is_connected(session):
            session.interruptTag(group)
        elif group is not None:
            session.sparkContext.cancelJobGroup(group)


def _leave_jobs(session: Any, before: dict[str, str | None]) -> None:
    """Count no more what this thread has a session do, but as before."""
    # it may be gone
    with contextlib.suppress(Exception):
        if _is_connected(session):
            session.removeTag(_groups[id(session)])
        for name, value in before.items():
            session.sparkContext.setLocalProperty(name, value)


def _properties(session: Any) -> dict[str, str | None]:
    """What a thread says of the jobs that it starts: a notebook may have groups of its own."""
    return {name: session.sparkContext.getLocalProperty(name) for name in _NAMES}


def _is_connected(session: Any) -> bool:
    """Whether a session is one of Spark Connect."""
    return ".connect." in type(session).__module__
