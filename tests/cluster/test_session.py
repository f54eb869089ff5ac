import contextlib
import subprocess
import sys
import threading
from unittest import mock

import pytest

from fastphash.cluster.session import spark_session, starting_early
from fastphash.errors import FastphashError, UsageError
from tests.support.cluster import needs_spark
from tests.support.command_line import error_of, run
from tests.support.stores import hashes, write_hashes


@pytest.fixture
def no_session(monkeypatch):
    """A pyspark that has no session."""
    sql = mock.MagicMock()
    sql.SparkSession.getActiveSession.return_value = None
    monkeypatch.setitem(sys.modules, "pyspark", mock.MagicMock(sql=sql))
    monkeypatch.setitem(sys.modules, "pyspark.sql", sql)
    return sql


@pytest.fixture
def tables(tmp_path):
    return [
        str(write_hashes(tmp_path / f"{name}.parquet", path=["a"], phash=hashes(1)))
        for name in "xy"
    ]


def test_without_pyspark_one_line_says_what_to_install(tables, tmp_path):
    with mock.patch.dict(sys.modules, {"pyspark": None, "pyspark.sql": None}):
        done = run("join", *tables, "-o", str(tmp_path / "z"), "--engine", "spark", status=1)
    assert error_of(done) == "Error: Spark needs pyspark: pip install 'fastphash[spark]'"
    assert not (tmp_path / "z").exists()


def test_without_java_one_line_says_what_to_install(monkeypatch, no_session):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with (
        pytest.raises(FastphashError, match="Spark needs Java 17 or newer: apt-get install"),
        spark_session(),
    ):
        pass
    no_session.SparkSession.builder.appName().getOrCreate.assert_not_called()


@pytest.mark.usefixtures("no_session")
def test_a_java_home_without_java_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with (
        pytest.raises(FastphashError, match=r"^JAVA_HOME is '.*', where no bin/java"),
        spark_session(),
    ):
        pass


@pytest.mark.parametrize("master", ["nonsense", "local[x]", "spark://", "http://x:7077", ""])
def test_a_master_that_is_no_address_is_quoted(tables, tmp_path, master):
    words = ["-o", str(tmp_path / "z"), "--engine", "spark", "--master", master]
    done = run("join", *tables, *words, status=2)
    assert error_of(done).startswith(f"Error: --master is {master!r}: give spark://HOST:PORT")


@pytest.mark.parametrize("verb", ["hash", "audit"])
def test_a_number_of_workers_is_refused(tmp_path, verb):
    words = [f"a={tmp_path}", "-o", str(tmp_path / "z"), "--engine", "spark", "--workers", "3"]
    done = run(verb, *words, status=2)
    assert error_of(done).startswith("Error: --workers is for --engine local: each task")


class PySparkError(Exception):
    """What a module of pyspark raises."""


PySparkError.__module__ = "pyspark.errors"


def test_what_spark_fails_of_is_told_in_one_line(no_session):
    no_session.SparkSession.getActiveSession.return_value = mock.MagicMock()
    with pytest.raises(FastphashError, match=r"^Spark failed: no space$"), spark_session():
        raise PySparkError("no space\n\tat org.apache.spark.Some.where")
    with pytest.raises(ZeroDivisionError), spark_session():
        raise ZeroDivisionError


@pytest.mark.slow
def test_java_says_nothing_in_the_terminal(tables, tmp_path):
    needs_spark()
    command = [sys.executable, "-m", "fastphash", "join", *tables, "-o", str(tmp_path / "z.csv")]
    done = run_with(*command, "--engine", "spark", "--master", "local[1]")
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("joining: ")]
    assert said == []
    done = run_with(*command, "--overwrite", "--engine", "spark", "--master", "k8s://x")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: no Spark session on k8s://x: ")
    assert len(done.stderr.splitlines()) == 1


def run_with(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def starts(monkeypatch):
    """What is started in place of sessions: each a mock, or an error."""
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.delitem(sys.modules, "pyspark")
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    started = []

    def start(master):
        started.append((threading.current_thread(), master, mock.MagicMock()))
        if master == "yarn":
            raise FastphashError("no yarn")
        return started[-1][-1]

    monkeypatch.setattr("fastphash.cluster.session._start", start)
    return started


def test_a_session_that_started_early_is_taken(starts):
    with starting_early("local[1]"):
        with spark_session("local[1]") as session:
            ((thread, master, made),) = starts
            assert thread is not threading.current_thread()
            assert (master, session) == ("local[1]", made)
            made.stop.assert_not_called()
        made.stop.assert_called_once()
    made.stop.assert_called_once()


def test_a_session_that_nobody_takes_ends(starts):
    with pytest.raises(ZeroDivisionError), starting_early(None):
        raise ZeroDivisionError
    ((_, _, made),) = starts
    made.stop.assert_called_once()


def test_what_kept_it_from_starting_is_said_to_who_takes_it(starts):
    with starting_early("yarn"):
        pass
    said = pytest.raises(FastphashError, match="no yarn")
    with starting_early("yarn"), said, spark_session("yarn"):
        pass
    assert len(starts) == 2


@pytest.mark.parametrize("master", ["sc://host:1", "nonsense"])
def test_nothing_starts_early_where_it_is_no_session_of_ours(starts, master, monkeypatch):
    context = pytest.raises(UsageError) if master == "nonsense" else contextlib.nullcontext()
    with context, starting_early(master):
        pass
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    with starting_early(None):
        pass
    assert not starts


def test_a_command_that_is_wrong_ends_it(starts, tables, tmp_path):
    words = ["-o", str(tmp_path / "z.parquet"), "--engine", "spark"]
    done = run("group", f"{tables[0]}@val", *words, status=2)
    assert error_of(done).endswith("has no split 'val'")
    ((_, _, made),) = starts
    made.stop.assert_called_once()


def test_nothing_starts_for_a_store_that_is_missing(starts, tables, tmp_path):
    words = ["-o", str(tmp_path / "z.parquet"), "--engine", "spark"]
    done = run("join", tables[0], "no/such", *words, status=2)
    assert "no such store: 'no/such'" in error_of(done)
    assert not starts
