"""Jobs end with what they are for, in a session that others go on to use."""

import contextlib
import time
from functools import partial
from types import SimpleNamespace

import pytest

from fastphash.cluster.executor import SparkExecutor
from fastphash.cluster.jobs import cancelled_with
from fastphash.cluster.session import map_batches, spark_session, table_of
from fastphash.errors import FastphashError
from fastphash.ingest.options import IngestOptions


def wait_for(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def long(batches, started):
    """A stage that says that it has started, and doesn't end for a while."""
    started.touch()
    time.sleep(90)
    yield from batches


def jobs_of(spark):
    return spark.sparkContext.statusTracker().getActiveJobsIds()


class SlowExecutor(SparkExecutor):
    """Hashes nothing, and takes long for it."""

    def __init__(self, session, store, started):
        super().__init__(session, IngestOptions(), store)
        self._started = started

    def _run(self, shards):
        stage = partial(long, started=self._started)
        table_of(map_batches(self._session.range(2), stage, "id long"))


@pytest.mark.slow
def test_the_jobs_of_a_thread_end_with_a_failure(spark, tmp_path):
    started = tmp_path / "started"
    spark.sparkContext.setLocalProperty("spark.jobGroup.id", "theirs")
    jobs = []

    def interrupted():
        with (
            spark_session("local[2]") as session,
            SlowExecutor(session, tmp_path, started) as executor,
        ):
            jobs.append(executor._thread.submit(executor._run, []))
            wait_for(started.exists)
            assert jobs_of(spark)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    wait_for(lambda: not jobs_of(spark))
    assert "cancelled" in str(jobs[0].exception()).lower()
    assert spark.sparkContext.getLocalProperty("spark.jobGroup.id") == "theirs"
    spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
    # the session goes on
    assert spark.range(3).count() == 3


@pytest.mark.slow
def test_jobs_of_others_go_on(spark, tmp_path):
    with contextlib.suppress(FastphashError), spark_session("local[2]"):
        raise FastphashError
    assert spark.range(3).count() == 3
    assert spark.sparkContext.getLocalProperty("spark.jobGroup.id") is None


def test_a_session_that_failed_at_first_is_used_later():
    calls = []

    def fail(name):
        raise RuntimeError(name)

    context = SimpleNamespace(
        getLocalProperty=fail,
        setLocalProperty=lambda *_: None,
        setJobGroup=lambda *_, **__: calls.append("group"),
        cancelJobGroup=lambda _: calls.append("cancel"),
    )
    session = SimpleNamespace(sparkContext=context)
    with pytest.raises(RuntimeError, match="jobGroup"), cancelled_with(session):
        pass
    context.getLocalProperty = lambda _: None
    with pytest.raises(KeyError), cancelled_with(session):
        raise KeyError
    assert calls == ["group", "cancel"]
