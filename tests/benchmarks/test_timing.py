"""What is timed, and how often."""

import pytest

from benchmarks.support.command_line import make_parser
from benchmarks.support.timing import time_in_turn


@pytest.mark.parametrize(("rounds", "order", "counted"), [(2, "ABABAB", 2), (0, "AB", 1)])
def test_rounds_follow_a_warm_up_which_counts_where_none_follows(rounds, order, counted) -> None:
    ran: list[str] = []
    # each look at it takes a second more than the one before
    looks = iter(number * number for number in range(100))
    rivals = {"A": lambda: ran.append("A"), "B": lambda: ran.append("B")}
    seconds = time_in_turn(rivals, rounds, lambda: next(looks))
    assert "".join(ran) == order
    taken = [4 * run + 1 for run in range(len(order))][-2 * counted :]
    assert seconds == {"A": taken[::2], "B": taken[1::2]}


@pytest.mark.parametrize(("warmed", "least"), [(True, 0), (False, 1)])
def test_rounds_may_be_none_where_there_is_a_warm_up(warmed, least, capsys) -> None:
    parser = make_parser("", rounds=3, warmed=warmed)
    assert parser.parse_args(["--rounds", str(least)]).rounds == least
    with pytest.raises(SystemExit):
        parser.parse_args([f"--rounds={least - 1}"])
    assert f"must be a number from {least} on, not '{least - 1}'" in capsys.readouterr().err
