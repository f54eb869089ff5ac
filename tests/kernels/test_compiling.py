import logging
import os
import subprocess
import sys

import numba
import pytest
from numba import uint8

from fastphash import kernels

CODE = """
import logging, sys
logging.basicConfig(level=logging.INFO, format='%(message)s', stream=sys.stdout)
import fastphash.kernels.grey, fastphash.kernels.union_find
"""


def imported(env):
    """What importing two kernels in a new process says."""
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.slow
def test_compiling_is_said_once_and_loading_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    env = dict(os.environ)
    first = imported(env)
    assert len(first) == 1
    assert first[0].startswith("compiling, once")
    assert imported(env) == []


@pytest.fixture
def unsaid(monkeypatch):
    monkeypatch.setattr(kernels, "_announced", set())


def double(values):
    for i in range(values.size):
        values[i] += values[i]


def test_without_a_cache_folder_the_reason_is_said(unsaid, monkeypatch, caplog):
    compile_it = kernels._compile

    def uncached(function, signature, *, cache):
        if cache:
            raise RuntimeError("cannot cache function 'double': no locator available")
        return compile_it(function, signature, cache=False)

    monkeypatch.setattr(kernels, "_compile", uncached)
    with caplog.at_level(logging.INFO, "fastphash.kernels"):
        kernels.compiled(kernels.array(uint8))(double)
    (record,) = caplog.records
    assert record.message.startswith("compiling in every run, because neither the package's fol")


def test_other_peoples_functions_are_not_announced(unsaid, caplog):
    with caplog.at_level(logging.INFO):
        numba.njit(uint8(uint8))(lambda value: value)
    assert caplog.records == []


def test_the_callers_setting_of_numba_stays(monkeypatch):
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    kernel = kernels._compile(double, numba.void(kernels.array(uint8)), cache=False)
    assert numba.config.DISABLE_JIT == 1
    assert hasattr(kernel, "signatures")
    assert numba.njit(double) is double
