import multiprocessing.util
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from multiprocessing import forkserver
from multiprocessing.context import SpawnProcess
from unittest import mock

import pytest

from fastphash.base import supervisor as supervisor_module
from fastphash.base import worker_start
from fastphash.base.supervisor import Refusals, Supervisor
from fastphash.base.system import wait_for
from fastphash.errors import WorkerError


def start(bad):
    """Work that squares numbers; those of `bad` do something else."""

    def work(task, refused, at):
        out = []
        for item, number in enumerate(task):
            if item in refused:
                out.append(refused[item])
                continue
            at(item)
            if number in bad:
                bad[number](number)
            out.append(number**2)
        return out

    return work


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def leave(_):
    os._exit(7)


def hang(_):
    time.sleep(3600)


def stop(_):
    os.kill(os.getpid(), signal.SIGSTOP)


def fail(number):
    raise ZeroDivisionError(f"of {number}")


def die_at_start(_):
    os._exit(9)


def start_reading_variables(_):
    return lambda names, refused, at: [os.environ.get(name) for name in names]


def supervisor(bad=None, count=2, timeout=20.0, begin=start):
    return Supervisor(count, timeout, begin, (bad or {},))


TASKS = [list(range(start, start + 5)) for start in range(0, 200, 5)]


@pytest.mark.parametrize("count", [1, 3])
def test_results_come_in_the_order_of_the_tasks(count):
    with supervisor(count=count) as workers:
        answers = list(workers.map(TASKS))
    assert answers == [[number**2 for number in task] for task in TASKS]


def test_workers_have_the_environment_that_the_program_has_now(monkeypatch):
    with supervisor(count=1) as workers:  # forked from a server that is there from now on
        list(workers.map(TASKS[:1]))
    monkeypatch.setenv("FASTPHASH_TEST", "set later")
    monkeypatch.delenv("PATH")
    with supervisor(count=1, begin=start_reading_variables) as workers:
        variables = ["FASTPHASH_TEST", "PATH"]
        assert list(workers.map([variables])) == [["set later", None]]


def test_an_item_that_ends_two_processes_is_given_up():
    bad = {3: die, 4: die, 77: leave, 199: die}
    with supervisor(bad) as workers:
        answers = [item for result in workers.map(TASKS) for item in result]
    died = "the worker process died of it twice, by SIGKILL"
    given_up = {3: died, 4: died, 199: died}
    given_up[77] = "the worker process died of it twice, with exit status 7"
    assert answers == [given_up.get(number, number**2) for number in range(200)]


@pytest.mark.parametrize("slow", [hang, stop])
def test_an_item_that_takes_too_long_is_given_up(slow):
    began = time.monotonic()
    with supervisor({12: slow}, timeout=0.3) as workers:
        answers = [item for result in workers.map(TASKS) for item in result]
    assert time.monotonic() < began + 20
    assert answers[12] == "not done after 0.3 s, twice"
    assert answers[:12] + answers[13:] == [n**2 for n in range(200) if n != 12]


@pytest.mark.slow
def test_what_tasks_have_in_common_is_given_up_in_all_of_them(tmp_path):
    tried = tmp_path / "tried"
    refusals = Refusals(lambda task: task[:2])
    tasks = [[500, number, 500] if number % 2 else [number, 500] for number in range(6)]
    with supervisor({500: partial(hang_and_tell, tried)}, count=1, timeout=0.3) as workers:
        answers = [*workers.map(tasks[:3], refusals), *workers.map(tasks[3:], refusals)]
    late = "not done after 0.3 s, twice"
    assert answers[0] == [0, late]
    assert answers[2::2] == [[number**2, late] for number in range(2, 6, 2)]
    # the third item has no key: each costs its own time
    assert answers[1::2] == [[late, number**2, late] for number in range(1, 6, 2)]
    assert len(tried.read_text()) == 2 + 2 * 3


def hang_and_tell(path, _):
    with open(path, "a") as file:
        file.write("x")
    time.sleep(3600)


def test_a_hanging_item_delays_no_other(tmp_path):
    last = tmp_path / "last"
    bad = {0: partial(hang_until, last), 199: partial(note, last)}
    with supervisor(bad, timeout=60.0) as workers:
        results = workers.map(TASKS)
        # it goes on once all others are done: were one of them behind it, it would be given up
        assert next(results) == [0, 1, 4, 9, 16]
        assert len(list(results)) == len(TASKS) - 1


def hang_until(path, _):
    while not path.exists():
        time.sleep(0.01)


def note(path, _):
    path.touch()


def test_processes_that_keep_dying_are_an_error():
    with (
        pytest.raises(WorkerError, match="keep dying: with exit status 9"),
        supervisor(begin=die_at_start) as workers,
    ):
        list(workers.map(TASKS))


def stall_at_start(_):
    time.sleep(3600)


def test_processes_that_never_begin_are_an_error(monkeypatch):
    monkeypatch.setattr(supervisor_module, "_STALL", 0.1)
    with (
        pytest.raises(WorkerError, match="keep dying: by SIGKILL"),
        supervisor(begin=stall_at_start, timeout=0.1) as workers,
    ):
        list(workers.map(TASKS))


def test_an_error_of_the_work_itself_is_raised():
    with (
        pytest.raises(WorkerError, match="a worker process failed: ZeroDivisionError: of 8"),
        supervisor({8: fail}) as workers,
    ):
        list(workers.map(TASKS))


def test_tasks_too_large_for_a_pipe_pass():
    tasks = [[*range(50_000)], [1], [*range(50_000)], [2], [*range(50_000)]]
    with supervisor(count=1) as workers:
        assert [sum(result) for result in workers.map(tasks)] == [
            sum(number**2 for number in task) for task in tasks
        ]


def test_tasks_are_read_only_a_little_ahead():
    begun = []

    def endless():
        while True:
            begun.append(1)
            yield [1, 2]

    with supervisor() as workers:
        results = workers.map(endless())
        for _ in range(10):
            assert next(results) == [1, 4]
        assert len(begun) < 400


def pids_of(workers):
    return [worker.process.pid for worker in workers._workers]


def run_until_interrupted(pids):
    with supervisor({0: hang}) as workers:
        pids += pids_of(workers)
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        list(workers.map(TASKS))


def test_no_process_is_left_after_success_or_interrupt():
    with supervisor() as workers:
        pids = pids_of(workers)
        list(workers.map(TASKS))
    with pytest.raises(KeyboardInterrupt):
        run_until_interrupted(pids)
    assert len(pids) == 4
    assert [pid for pid in pids if os.path.exists(f"/proc/{pid}")] == []


def test_a_process_killed_from_outside_costs_nothing():
    with supervisor(count=2) as workers:
        results = workers.map(TASKS * 20)
        answers = [next(results)]
        workers._workers[0].process.kill()
        answers += results
    assert answers == [[number**2 for number in task] for task in TASKS * 20]


@pytest.fixture
def spawns(monkeypatch):
    """Processes start as on macOS and Windows."""
    monkeypatch.setattr(worker_start, "start_method", lambda: "spawn")


def test_a_process_says_nothing_when_its_supervisor_is_gone(monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    near, far = multiprocessing.Pipe()
    near.send(("task", {}))

    def start():
        return lambda *_: near.close()

    with far:
        supervisor_module._serve(far, [0, 0], dict(os.environ), start, ())


@pytest.mark.slow
def test_processes_that_are_spawned_do_the_same(spawns):
    with supervisor({3: die, 77: leave}) as workers:
        assert isinstance(workers._workers[0].process, SpawnProcess)
        answers = [item for result in workers.map(TASKS) for item in result]
    died = "the worker process died of it twice, by SIGKILL"
    given_up = {3: died, 77: "the worker process died of it twice, with exit status 7"}
    assert answers == [given_up.get(number, number**2) for number in range(200)]


@pytest.fixture
def without_room_for_sockets(tmp_path, monkeypatch):
    """A folder for temporary files whose name is longer than that of a socket may be."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    monkeypatch.setattr(multiprocessing.util, "get_temp_dir", lambda: str(folder))
    # as in a process that has no server yet
    monkeypatch.setattr(forkserver, "_forkserver", forkserver.ForkServer())
    monkeypatch.setattr(forkserver, "ensure_running", forkserver._forkserver.ensure_running)


@pytest.mark.usefixtures("without_room_for_sockets")
def test_processes_are_spawned_where_no_server_can_be():
    assert worker_start.worker_context().get_start_method() == "spawn"


def test_processes_that_are_spawned_ignore_interrupts_while_they_start(spawns):
    with supervisor() as workers:
        for pid in pids_of(workers):
            os.kill(pid, signal.SIGINT)
        pids = pids_of(workers)
        answers = list(workers.map(TASKS))
        assert pids_of(workers) == pids
    assert answers == [[number**2 for number in task] for task in TASKS]


def test_more_processes_than_the_system_waits_for_at_once(monkeypatch):
    monkeypatch.setattr(supervisor_module, "wait_for", partial(wait_for, most=3))
    with supervisor({3: die}, count=4) as workers:
        answers = [item for result in workers.map(TASKS) for item in result]
    assert answers[3] == "the worker process died of it twice, by SIGKILL"
    assert answers[4:] == [number**2 for number in range(4, 200)]


@pytest.fixture
def first_processes(monkeypatch):
    """The first processes, as they are started; none was before."""
    started = []
    monkeypatch.setattr(worker_start, "_PROVEN_PARENTS", set())

    def start_and_note(process, context):
        if process._target is worker_start._do_nothing:
            started.append(process)
        start_process(process, context)

    start_process = worker_start.start_process
    monkeypatch.setattr(worker_start, "start_process", start_and_note)
    return started


@pytest.mark.slow
def test_each_fork_server_starts_one_first_process(first_processes):
    for _ in range(2):
        with supervisor(count=1) as workers:
            assert list(workers.map([[2]])) == [[4]]
    assert len(first_processes) == 1
    server = forkserver._forkserver._forkserver_pid
    os.kill(server, signal.SIGKILL)
    os.waitid(os.P_PID, server, os.WEXITED | os.WNOWAIT)
    for _ in range(2):
        with supervisor(count=1) as workers:
            assert list(workers.map([[2]])) == [[4]]
    assert len(first_processes) == 2


def test_a_program_that_spawns_starts_one_first_process(spawns, first_processes):
    for _ in range(2):
        with supervisor(count=1):
            pass
    assert len(first_processes) == 1


def test_a_first_process_that_fails_is_tried_again(first_processes, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(worker_start, "_do_nothing", leave_at_once)
        for _ in range(2):
            with pytest.raises(WorkerError, match="the first one ended with exit status 9"):
                supervisor(count=1)
    with supervisor(count=1) as workers:
        assert list(workers.map([[2]])) == [[4]]
    assert len(first_processes) == 3


def leave_at_once():
    os._exit(9)


def test_nothing_is_imported_from_the_working_folder(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "decoy.py").write_text("open('imported', 'w').close()")
    (tmp_path / "script.py").write_text(
        "from fastphash.base.worker_start import preload, worker_context\n"
        "if __name__ == '__main__':\n"
        "    preload('decoy')\n"
        "    worker_context()\n"
    )
    subprocess.run([sys.executable, tmp_path / "script.py"], cwd=data, check=True)
    assert [path.name for path in data.iterdir()] == ["decoy.py"]


def test_a_server_that_starts_early_is_the_one_that_workers_are_forked_from(monkeypatch):
    program = """
from multiprocessing import forkserver
from fastphash.base import worker_start
worker_start.start_early("fastphash.ingest.worker")
early = forkserver._forkserver._forkserver_pid
worker_start.worker_context()
assert early == forkserver._forkserver._forkserver_pid
assert worker_start._PRELOADED == ["fastphash.ingest.worker"]
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")
def test_a_server_that_imports_ends_with_its_process(tmp_path):
    (tmp_path / "endless.py").write_text(
        "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(300)\n"
    )
    program = """
import os, time
from fastphash.base.worker_start import start_early
start_early("endless")
while not os.path.exists("begun"):
    time.sleep(0.01)
os._exit(0)
"""
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    # the server has the pipe, too: this waits for both
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=env,
        check=True,
        capture_output=True,
        timeout=60,
    )


def test_what_keeps_a_server_from_starting_early_is_said_later(monkeypatch):
    failing = mock.Mock(side_effect=WorkerError("no"))
    monkeypatch.setattr(worker_start, "_start_server", failing)
    monkeypatch.setattr(worker_start, "start_method", lambda: "forkserver")
    worker_start.start_early()
    failing.assert_called_once()
    with pytest.raises(WorkerError, match="no"):
        worker_start.worker_context()
