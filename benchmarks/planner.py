"""Does the planner's estimate hold, and does it choose well?

Each plan that might be chosen is run on the same hashes; the table shows what was estimated, what
it took, and how much longer than the best of all. ``--fit`` finds the constants of the cost model
that come closest, in the logarithm, to what was measured here.
"""

import argparse
import math
import time

import common
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from fastphash import near, plans
from fastphash.plans import Plan

_CONSTANTS = (
    "NS_PARTITION",
    "NS_PER_CHOICE",
    "NS_ROW",
    "NS_WINDOW",
    "NS_LONG_WINDOW",
    "NS_PER_SEGMENT",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--radii", type=int, nargs="+", default=[2, 4, 6, 8])
    parser.add_argument("--rounds", type=int, default=3, help="turns of each plan")
    parser.add_argument(
        "--within", type=float, default=5.0, help="plans up to so many times as slow"
    )
    parser.add_argument("--slowest", type=float, default=20.0, help="seconds a plan may take")
    parser.add_argument("--threads", type=int, default=near.Effort().threads)
    parser.add_argument("--fit", action="store_true", help="print the constants that fit best")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    rows, measured = [], []
    for size in arguments.sizes:
        values = np.sort(rng.integers(0, 2**64, size, dtype=np.uint64))
        likeness = plans.measure(values, values)
        for radius in arguments.radii:
            every = plans.plans(likeness, size, None, radius, arguments.threads)
            least = min(plan.seconds for plan in every)
            most = min(least * arguments.within, arguments.slowest)
            tried = [plan for plan in every if plan.seconds <= most]
            took = {plan: seconds(values, plan, arguments) for plan in tried}
            best = min(took.values())
            for plan in sorted(tried, key=lambda plan: plan.seconds):
                measured.append((size, radius, plan, took[plan]))
                rows.append(
                    (
                        f"{size:,}",
                        str(radius),
                        name(plan),
                        f"{plan.seconds:.4f}",
                        f"{took[plan]:.4f}",
                        f"{took[plan] / plan.seconds:.2f}",
                        "chosen" if plan.seconds == least else "",
                        f"{took[plan] / best:.2f}",
                    )
                )
    header = ("hashes", "radius", "plan", "estimate, s", "took, s", "ratio", "", "of the best")
    common.table(header, rows)
    off = np.array([math.log(took / plan.seconds) for *_, plan, took in measured])
    print(f"typical error: a factor of {math.exp(math.sqrt(float((off**2).mean()))):.2f}")
    if arguments.fit:
        fit(measured, arguments.threads)


def name(plan: Plan) -> str:
    if not plan.widths:
        return "every pair"
    return f"{len(plan.widths)} blocks, {plan.agree} agree, {plan.levels} levels"


def seconds(values: NDArray[np.uint64], plan: Plan, arguments: argparse.Namespace) -> float:
    """The least of some turns."""
    effort = near.Effort(threads=arguments.threads)
    best = math.inf
    for _ in range(arguments.rounds):
        start = time.perf_counter()
        for _ in near.find_within(values, plan, effort):
            pass
        best = min(best, time.perf_counter() - start)
    return best


def fit(measured: list[tuple[int, int, Plan, float]], threads: int) -> None:
    likeness = plans.measure(np.empty(0, np.uint64), np.empty(0, np.uint64))

    def error(logarithms: NDArray[np.float64]) -> float:
        for constant, logarithm in zip(_CONSTANTS, logarithms, strict=True):
            setattr(plans, constant, math.exp(logarithm))
        total = 0.0
        estimates: dict[tuple[int, int], dict[str, float]] = {}
        for size, radius, plan, took in measured:
            if (size, radius) not in estimates:
                every = plans.plans(likeness, size, None, radius, threads)
                estimates[size, radius] = {name(one): one.seconds for one in every}
            total += math.log(estimates[size, radius][name(plan)] / took) ** 2
        return total

    start = np.log([getattr(plans, constant) for constant in _CONSTANTS])
    found = minimize(error, start, method="Nelder-Mead", options={"maxiter": 2000})
    for constant, logarithm in zip(_CONSTANTS, found.x, strict=True):
        print(f"{constant} = {math.exp(logarithm):.2f}")
    print(f"typical error then: a factor of {math.exp(math.sqrt(found.fun / len(measured))):.2f}")


if __name__ == "__main__":
    main()
