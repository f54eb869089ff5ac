import threading
from functools import partial

import pytest

from fastphash.base import threads as base_threads
from fastphash.base.threads import interleave, run_all

both = pytest.mark.parametrize("threads", [1, 2])


def counting(job, items, seen):
    for item in range(items):
        seen.append(job)
        yield job, item


def failing(after):
    yield from range(after)
    raise ValueError(f"after {after}")


@both
@pytest.mark.parametrize("sizes", [[], [0], [3], [0, 0, 0, 0], [1, 0, 5, 2], [2] * 50])
def test_all_items_of_all_jobs_are_yielded_once(threads, sizes):
    jobs = (counting(job, items, []) for job, items in enumerate(sizes))
    expected = [(job, item) for job, items in enumerate(sizes) for item in range(items)]
    assert sorted(interleave(threads, jobs)) == expected


@both
def test_items_of_one_job_stay_in_order(threads):
    items = list(interleave(threads, (counting(job, 20, []) for job in range(5))))
    for job in range(5):
        assert [item for origin, item in items if origin == job] == list(range(20))


@both
def test_falsy_items_are_items(threads):
    assert list(interleave(threads, [iter([None, 0]), iter([()])])).count(None) == 1


def test_two_jobs_are_at_work_at_once():
    meeting = threading.Barrier(2, timeout=20)

    def job():
        meeting.wait()
        yield threading.get_ident()

    assert len(set(interleave(2, (job() for _ in range(2))))) == 2


def test_one_thread_is_the_callers_own():
    jobs = ((threading.get_ident() for _ in range(2)) for _ in range(3))
    assert set(interleave(1, jobs)) == {threading.get_ident()}


@both
@pytest.mark.parametrize("after", [0, 3])
def test_what_a_job_raises_is_raised(threads, after):
    seen = []
    jobs = (failing(after) if job == 1 else counting(job, 3, seen) for job in range(100))
    with pytest.raises(ValueError, match=f"after {after}"):
        list(interleave(threads, jobs))
    assert max(seen, default=0) < 99


@both
def test_what_the_source_of_jobs_raises_is_raised(threads):
    def jobs():
        yield iter([1])
        yield iter([2])
        yield iter([3])
        raise KeyError("no more")

    with pytest.raises(KeyError, match="no more"):
        list(interleave(threads, jobs()))


@both
def test_no_job_is_begun_after_the_taker_stops(threads):
    seen = []
    items = interleave(threads, (counting(job, 3, seen) for job in range(100)))
    for _ in range(4):
        next(items)
    items.close()
    count = len(seen)
    # at most one item ahead of what was taken, for each thread
    assert count <= 4 + threads
    assert list(items) == []
    assert len(seen) == count


@both
def test_pool_works_after_a_failure(threads):
    with pytest.raises(ValueError, match="after 0"):
        list(interleave(threads, [failing(0), failing(0)]))
    assert sorted(interleave(threads, [iter([1]), iter([2])])) == [1, 2]


@both
def test_run_all_runs_every_job(threads):
    done = []
    run_all(threads, (lambda job=job: done.append(job) for job in range(50)))
    assert sorted(done) == list(range(50))


@both
def test_run_all_raises_what_a_job_raises(threads):
    def job():
        raise ZeroDivisionError("no")

    with pytest.raises(ZeroDivisionError, match="no"):
        run_all(threads, [lambda: None, job, lambda: None])


@pytest.mark.parametrize("room", [1, 2])
def test_where_threads_can_not_be_started_fewer_do_all(monkeypatch, room):
    start, left = base_threads._thread.start_new_thread, [room]

    def start_some(*arguments):
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        return start(*arguments)

    monkeypatch.setattr(base_threads._thread, "start_new_thread", start_some)
    done = []
    run_all(4, [partial(done.append, i) for i in range(20)])
    assert sorted(done) == list(range(20))
    left[0] = 0
    with pytest.raises(MemoryError):
        run_all(4, [print, print])
