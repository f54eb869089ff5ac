"""How exact are the join planner's time estimates, and how fast the plans it chooses, against all
other plans?

Every candidate plan is run on the same hashes. The table shows its estimate, the time it took, and
how many times as long that is as the fastest. ``--fit`` prints the constants of the cost model with
the least squared error, in the logarithm, for these times.
"""

import argparse
import math
import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from fastphash.joins import costs
from fastphash.joins.bit_statistics import measure_bits
from fastphash.joins.options import JoinOptions
from fastphash.joins.planner import candidate_plans
from fastphash.joins.search import find_within
from fastphash.joins.search_plan import SearchPlan

_CONSTANTS = (
    "NS_PARTITION",
    "NS_SORT",
    "NS_VALUE",
    "NS_RUN",
    "NS_WINDOW",
    "NS_LONG_WINDOW",
    "NS_SEGMENT",
)


class Measured(NamedTuple):
    """The seconds that a plan took."""

    size: int
    radius: int
    plan: SearchPlan
    seconds: float

    @property
    def error(self) -> float:
        """Logarithm of the time taken over the estimate."""
        return math.log(self.seconds / self.plan.seconds)


def main() -> None:
    arguments = parse_arguments()
    rng = np.random.default_rng(0)
    measured: list[Measured] = []
    rows: list[tuple[str, ...]] = []
    for size in arguments.sizes:
        values = np.sort(rng.integers(0, 2**64, size, dtype=np.uint64))
        for radius in arguments.radii:
            own = measure_plans(values, radius, arguments)
            measured += own
            rows += table_rows(own)
    header = ("hashes", "radius", "plan", "estimate, s", "took, s", "ratio", "", "of the fastest")
    print_table(header, rows)
    print(f"typical error: a factor of {typical_error([own.error for own in measured]):.2f}")
    if arguments.fit:
        fit_constants(measured, arguments.threads)


def parse_arguments() -> argparse.Namespace:
    parser = make_parser(__doc__, rounds=3)
    parser.add_argument(
        "--sizes", type=positive_number, nargs="+", default=[100_000, 1_000_000, 10_000_000]
    )
    parser.add_argument("--radii", type=int, nargs="+", default=[2, 4, 6, 8])
    parser.add_argument(
        "--within",
        type=float,
        default=5.0,
        help="run plans whose estimate is up to so many times the least (default: %(default)s)",
    )
    parser.add_argument(
        "--slowest",
        type=float,
        default=20.0,
        help="run plans whose estimate is up to so many seconds (default: %(default)s)",
    )
    parser.add_argument("--threads", type=positive_number, default=JoinOptions().threads)
    parser.add_argument("--fit", action="store_true", help="print the constants that fit best")
    return parser.parse_args()


def measure_plans(
    values: NDArray[np.uint64], radius: int, arguments: argparse.Namespace
) -> list[Measured]:
    """Run all plans worth running, the one with the least estimate first."""
    statistics = measure_bits(values, values)
    candidates = candidate_plans(statistics, values.size, None, radius, arguments.threads)
    candidates = sorted(candidates, key=lambda plan: plan.seconds)
    most = min(candidates[0].seconds * arguments.within, arguments.slowest)
    return [
        Measured(values.size, radius, plan, time_plan(values, plan, arguments))
        for plan in candidates
        if plan.seconds <= most
    ]


def time_plan(values: NDArray[np.uint64], plan: SearchPlan, arguments: argparse.Namespace) -> float:
    """The least seconds of all rounds."""
    options = JoinOptions(threads=arguments.threads)
    best = math.inf
    for _ in range(arguments.rounds):
        start = time.perf_counter()
        for _ in find_within(values, plan, options):
            pass
        best = min(best, time.perf_counter() - start)
    return best


def table_rows(measured: list[Measured]) -> list[tuple[str, ...]]:
    """The rows of one size and radius; the first is the plan that the planner chooses."""
    fastest = min(own.seconds for own in measured)
    return [
        (
            f"{own.size:,}",
            str(own.radius),
            plan_name(own.plan),
            f"{own.plan.seconds:.4f}",
            f"{own.seconds:.4f}",
            f"{own.seconds / own.plan.seconds:.2f}",
            "" if i else "chosen",
            f"{own.seconds / fastest:.2f}",
        )
        for i, own in enumerate(measured)
    ]


def plan_name(plan: SearchPlan) -> str:
    if not plan.widths:
        return "every pair"
    return f"{len(plan.widths)} blocks, {plan.agree} agree, {plan.levels} levels"


def typical_error(logarithms: list[float]) -> float:
    """The factor of the root mean square of these logarithms."""
    return math.exp(math.sqrt(float((np.array(logarithms) ** 2).mean())))


def fit_constants(measured: list[Measured], threads: int) -> None:
    statistics = measure_bits(np.empty(0, np.uint64), np.empty(0, np.uint64))

    def error(logarithms: NDArray[np.float64]) -> float:
        for constant, logarithm in zip(_CONSTANTS, logarithms, strict=True):
            setattr(costs, constant, math.exp(logarithm))
        total = 0.0
        estimates: dict[tuple[int, int], dict[str, float]] = {}
        for size, radius, plan, took in measured:
            if (size, radius) not in estimates:
                candidates = candidate_plans(statistics, size, None, radius, threads)
                estimates[size, radius] = {plan_name(one): one.seconds for one in candidates}
            total += math.log(estimates[size, radius][plan_name(plan)] / took) ** 2
        return total

    start = np.log([getattr(costs, constant) for constant in _CONSTANTS])
    found = minimize(error, start, method="Nelder-Mead", options={"maxiter": 2000})
    for constant, logarithm in zip(_CONSTANTS, found.x, strict=True):
        print(f"{constant} = {math.exp(logarithm):.2f}")
    print(f"typical error then: a factor of {math.exp(math.sqrt(found.fun / len(measured))):.2f}")


if __name__ == "__main__":
    main()
