import sys
from unittest import mock

import pytest

from fastphash.cluster.session import spark_session
from fastphash.errors import FastphashError
from tests.support.command_line import error_of, run
from tests.support.stores import hashes, write_hashes


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


def test_without_java_one_line_says_what_to_install(monkeypatch):
    sql = mock.MagicMock()
    sql.SparkSession.getActiveSession.return_value = None
    monkeypatch.setitem(sys.modules, "pyspark", mock.MagicMock(sql=sql))
    monkeypatch.setitem(sys.modules, "pyspark.sql", sql)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with (
        pytest.raises(FastphashError, match="Spark needs Java 17 or newer: apt-get install"),
        spark_session(),
    ):
        pass
    sql.SparkSession.builder.appName().getOrCreate.assert_not_called()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--master", "local[2]"], "--master is for --engine spark: add that, or leave it out"),
        (["--engine", "spark", "--explain"], "--explain is for --engine local"),
    ],
)
def test_options_that_do_not_fit_are_refused(tables, tmp_path, words, said):
    done = run("join", *tables, "-o", str(tmp_path / "z"), *words, status=2)
    assert error_of(done).startswith(f"Error: {said}")
