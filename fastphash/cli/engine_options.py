"""Where the work is done: on this machine, or on a Spark cluster."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fastphash.cli.input_options import all_options
from fastphash.errors import UsageError
from fastphash.sources.remote.address import is_remote

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from fastphash.audits.engine import Engine
    from fastphash.base.progress import Progress
    from fastphash.cluster.matches import SparkJoin
    from fastphash.external.streams import HashStream
    from fastphash.store.rows import HashTable
    from fastphash.verification.criteria import CopyCriteria

F = TypeVar("F", bound=Callable[..., Any])


def engine_options(command: F) -> F:
    """``--engine`` and ``--master``: see `EngineOptions`."""
    return all_options(
        click.option(
            "--engine",
            type=click.Choice(["local", "spark"]),
            default="local",
            show_default=True,
            help="Where to work: on this machine, or with Spark, which needs pyspark and Java. The "
            "results are the same.",
        ),
        click.option(
            "--master",
            metavar="URL",
            help="The Spark cluster: spark://HOST:PORT, yarn, local[N], or sc://HOST:PORT of Spark "
            "Connect.  [default: that of spark-submit, or all cores of this machine]",
        ),
    )(command)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Where the work is done."""

    engine: str
    master: str | None

    def check(self, *, explain: bool = False, bits: int = 64, workers: int | None = None) -> None:
        """Raise UsageError if other options don't fit, or hashes of so many bits."""
        if self.master is not None and not self.on_spark:
            raise UsageError("--master is for --engine spark: add that, or leave it out")
        if explain and self.on_spark:
            raise UsageError("--explain is for --engine local: leave it out")
        if workers is not None and self.on_spark:
            raise UsageError("--workers is for --engine local: each task of Spark has one worker")
        if bits > 64 and self.on_spark:
            raise UsageError(f"--engine spark joins hashes of 64 bits, not of {bits}")

    def start_early(self, *stores: str) -> None:
        """Have Spark start while this command imports and opens its input, if it is to work.

        Not where a store is missing: what is wrong is said at once.
        """
        places = (name for name in stores if not is_remote(os.fsencode(name)))
        missing = (
            name
            for name in places
            if not (os.path.exists(name) or os.path.exists(name.rpartition("@")[0]))
        )
        if self.on_spark and not any(missing):
            from fastphash.cluster.session import starting_early

            click.get_current_context().with_resource(starting_early(self.master))

    @contextlib.contextmanager
    def started(self, progress: "Progress") -> "Iterator[Engine]":
        """What hashes images, and searches those of an audit."""
        if not self.on_spark:
            from fastphash.audits.engine import THIS_MACHINE

            yield THIS_MACHINE
            return
        from fastphash.cluster.engine import SparkEngine
        from fastphash.cluster.session import spark_session

        progress("starting Spark", 0, 0)
        with spark_session(self.master) as session:
            yield SparkEngine(session)

    @contextlib.contextmanager
    def joining(
        self,
        left: "HashStream",
        right: "HashStream | None",
        criteria: "CopyCriteria",
        progress: "Progress",
        max_pairs: int | None = None,
    ) -> "Iterator[SparkJoin]":
        """A join on Spark of what it reads by itself."""
        from fastphash.cluster.matches import SparkJoin
        from fastphash.cluster.session import spark_session

        progress("starting Spark", 0, 0)
        with spark_session(self.master) as session:
            yield SparkJoin(
                session, left, right, criteria.radius, max_pairs=max_pairs, progress=progress
            )

    @property
    def on_spark(self) -> bool:
        """Whether Spark does it."""
        return self.engine == "spark"

    def find_pairs(
        self,
        sides: "tuple[HashTable, HashTable]",
        criteria: "CopyCriteria",
        max_pairs: int,
        progress: "Progress",
        *,
        number_needles: bool,
    ) -> "Iterator[pa.Table]":
        """Tables of pairs, as `fastphash.results.pairs.find_pairs` gives them."""
        if not self.on_spark:
            from fastphash.results.pairs import find_pairs

            yield from find_pairs(*sides, criteria, max_pairs, number_needles=number_needles)
            return
        from fastphash.cluster.session import spark_session
        from fastphash.cluster.tables import find_pairs as find_on_spark

        progress("starting Spark", 0, 0)
        with spark_session(self.master) as session:
            yield from find_on_spark(
                session,
                *sides,
                criteria,
                max_pairs,
                progress=progress,
                number_needles=number_needles,
            )

    def partnered(
        self, rows: "HashTable", criteria: "CopyCriteria", progress: "Progress"
    ) -> "NDArray[np.bool_] | None":
        """Which rows are within the radius of another, bool (n,); None to have it looked for."""
        if not self.on_spark:
            return None
        from fastphash.cluster.session import spark_session
        from fastphash.cluster.tables import has_partner

        progress("starting Spark", 0, 0)
        with spark_session(self.master) as session:
            return has_partner(session, rows, criteria.radius, progress=progress)
