import subprocess
import sys
from unittest import mock

import pytest

from fastphash.cluster.session import spark_session
from fastphash.errors import FastphashError
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
