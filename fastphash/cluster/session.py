"""The Spark session: found, or started."""

import contextlib
import os
import re
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import IO, Any

import pyarrow as pa

from fastphash.cluster.failures import is_failure_of_spark, reason_of
from fastphash.cluster.jobs import cancelled_with
from fastphash.errors import FastphashError, UsageError

#: A session of Spark or of Spark Connect, whose classes have no common one.
Session = Any
#: A DataFrame of such a session.
Frame = Any

_EXTRA = "pip install 'fastphash[spark]'"
_JAVA = "Java 17 or newer: apt-get install openjdk-17-jre-headless, or set JAVA_HOME"
# pyspark 4.3 says so at each call, and what we use works
_REMARK = "PySpark does not yet fully support pandas"
# what Spark takes, besides the addresses of schedulers of other people's
_MASTERS = re.compile(
    r"local(\[(\*|[0-9]+)(, *[0-9]+)?\])?|local-cluster\[[0-9, ]+\]|yarn|(spark|k8s|sc)://.+"
)
# settings of a session of our own; one that exists keeps its own
_SETTINGS = {
    "spark.log.level": "ERROR",
    "spark.python.daemon.module": "fastphash.cluster.daemon",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # hashes don't shrink
    "spark.shuffle.compress": "false",
    "spark.sql.shuffle.partitions": "32",
    # Java compiles for longer than it works here: its second compiler takes half of the CPU of a
    # join of 10^7 hashes
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
# the same of Spark's own compiler, and of plans that change by what was found; and what they are by
# default, which is better for joins of many rows
_FEW_ROWS = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
_MANY_ROWS = {
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
    "spark.sql.adaptive.enabled": "true",
}
# tells a session of our own
_OWN = "spark.fastphash.own"


# the one to Java: it stays for the next session of this program
_gateways: list[Any] = []


@contextlib.contextmanager
def spark_session(master: str | None = None) -> Iterator[Session]:
    """The session of this program, or one of our own, which ends with the context.

    Parameters
    ----------
    master : str, optional
        Address of a cluster, such as ``spark://host:7077``, ``yarn`` or ``local[4]``;
        ``sc://host:15002`` is a server of Spark Connect. By default the one that spark-submit
        names, or else all cores of this machine.

    Raises
    ------
    FastphashError
        There is no pyspark or no Java, or the cluster can't be reached; or Spark fails in the
        context.
    UsageError
        `master` is no address, or there is a session already, with another master.
    """
    _check_address(master)
    early = next((one for one in _early if one.master == master), None)
    found = None if early else _active()
    if found is not None:
        _check_master(found, master)
        with _told(), cancelled_with(found):
            yield found
        return
    session = early.take() if early else _start(master)
    try:
        with _told(), cancelled_with(session):
            yield session
    finally:
        # Java may be gone
        with contextlib.suppress(Exception):
            session.stop()


@contextlib.contextmanager
def starting_early(master: str | None) -> Iterator[None]:
    """Start a session of our own, and don't wait for it: `spark_session` takes it in this context.

    It takes seconds, in which others import and look at their input. What keeps it from starting
    is said by `spark_session`. One that nobody takes ends by itself.
    """
    _check_address(master)
    is_own = not (_is_submitted() or (master or "").startswith("sc://"))
    if not is_own or _is_there():
        yield
        return
    early = _Early(master)
    _early.append(early)
    try:
        yield
    finally:
        _early.remove(early)
        early.leave()


class _Early:
    """A session that a thread starts."""

    def __init__(self, master: str | None) -> None:
        self.master = master
        self._session: Session | None = None
        self._error: Exception | None = None
        self._is_taken = False
        self._thread = threading.Thread(target=self._run, name="starts Spark", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            session = _start(self.master)
        except Exception as error:  # whatever stands in the way
            self._error = error
            return
        self._session = session

    def take(self) -> Session:
        """The session, once it has started; what kept it from starting is raised."""
        self._thread.join()
        self._is_taken = True
        if self._error is not None:
            raise self._error
        return self._session

    def leave(self) -> None:
        """End the session if nobody has taken it; what has begun to start starts first."""
        if self._is_taken:
            return
        # Java that is left while it starts leaves a folder behind
        self._thread.join()
        if self._session is not None:
            # Java may be gone
            with contextlib.suppress(Exception):
                self._session.stop()


# those that start, or have started and nobody has taken
_early: list[_Early] = []


def _check_address(master: str | None) -> None:
    if master is not None and not _MASTERS.fullmatch(master):
        raise UsageError(
            f"`master` is {master!r}: give spark://HOST:PORT, yarn, k8s://HOST:PORT, local[N] or "
            "sc://HOST:PORT"
        )


def _is_there() -> bool:
    """Whether this program has a session, or can't have one; nothing is imported for it."""
    if "pyspark" not in sys.modules:
        return False
    try:
        return _active() is not None
    except FastphashError:
        return True


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Tell in one line what Spark fails of."""
    try:
        yield
    except Exception as error:
        if not is_failure_of_spark(error):
            raise
        raise FastphashError(f"Spark failed: {reason_of(error)}") from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", _REMARK, FutureWarning)
        yield


@contextlib.contextmanager
def expecting_many_rows(session: Session) -> Iterator[None]:
    """Have a session of our own join many rows; one that existed has its own settings."""
    own = session.conf.get(_OWN, "") == "true"
    for name, value in _MANY_ROWS.items() if own else ():
        session.conf.set(name, value)
    try:
        yield
    finally:
        for name, value in _FEW_ROWS.items() if own else ():
            session.conf.set(name, value)


def frame_of(session: Session, table: pa.Table) -> Frame:
    """A DataFrame of a table, each row of it in a partition of its own."""
    numbered = table.append_column("number", pa.array(range(table.num_rows), pa.int32()))
    with _quiet():
        frame = session.createDataFrame(numbered)
    return frame.repartitionById(table.num_rows, "number").drop("number")


def map_batches(
    frame: Frame, stage: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]], schema: str
) -> Frame:
    """What a stage makes of each partition: columns of `schema`."""
    with _quiet():
        return frame.mapInArrow(stage, schema)


def table_of(frame: Frame) -> pa.Table:
    """All rows of a DataFrame, here."""
    with _quiet():
        return frame.toArrow()


def _active() -> Session | None:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise FastphashError(f"Spark needs pyspark: {_EXTRA}") from error
    return SparkSession.getActiveSession()


def _check_master(session: Session, master: str | None) -> None:
    if master is None:
        return
    there = session.conf.get("spark.master", "")
    if there != master:
        raise UsageError(
            f"`master` is {master!r}, but this program has a Spark session of {there!r}: leave it "
            "out, or stop that session"
        )


def _start(master: str | None) -> Session:
    from pyspark.sql import SparkSession

    # workers have the libraries of this interpreter, not those of the first python on the path
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder: Any = SparkSession.builder.appName("fastphash")
    own, settings = False, dict[str, str]()
    if _is_submitted():
        if master is not None:
            raise UsageError(f"`master` is {master!r}, but spark-submit names one: leave it out")
    elif master is not None and master.startswith("sc://"):
        builder = builder.remote(master)
    else:
        _check_java()
        master = master or "local[*]"
        if master.startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        own = True
        settings = _SETTINGS | _FEW_ROWS | {_OWN: "true", "spark.app.name": "fastphash"}
        settings["spark.master"] = master
        for name, value in settings.items():
            builder = builder.config(name, value)
    # what Java says in passing is not for the terminal; it writes there as long as it lives
    with tempfile.TemporaryFile() as log:
        try:
            with _quiet():
                if own:
                    _launch_java(settings, log)
                session: Session = builder.getOrCreate()
        except Exception as error:  # of Java, Py4J or gRPC, whatever stands in the way
            log.seek(0)
            reason = reason_of(error, log.read().decode(errors="replace"))
            where = master or "the cluster"
            raise FastphashError(f"no Spark session on {where}: {reason}") from error
    return session


def _launch_java(settings: dict[str, str], log: IO[bytes]) -> None:
    """Start Java and a context for the session that comes, with a file for what Java says."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    conf = SparkConf().setAll([*settings.items()])
    if not _gateways:
        launch: Any = launch_gateway
        _gateways.append(launch(conf, {"stdout": log, "stderr": log}))
    SparkContext(conf=conf, gateway=_gateways[0])


def aggregated(frame: Frame, by: str, columns: list[str]) -> Frame:
    """``SELECT by, columns GROUP BY by``; each column is an aggregate ``AS`` a name."""
    from pyspark.sql import functions

    return frame.groupBy(by).agg(*map(functions.expr, columns))


def _is_submitted() -> bool:
    """Whether spark-submit has started this program: it hands over a gateway to its own Java."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if home:
        # Spark takes it, whatever is on the path
        if shutil.which(os.path.join(home, "bin", "java")) is None:
            raise FastphashError(
                f"JAVA_HOME is {home!r}, where no bin/java is: correct it, or unset it"
            )
        return
    if shutil.which("java") is None:
        raise FastphashError(f"Spark needs {_JAVA}")
