"""Concurrent calls become batches, without one waiting for another."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from keras_vae.serving._batcher import Batcher
from keras_vae.serving._status import StatusError


class Held:
    """Doubles its rows and notes its batches; each waits for a permission to run."""

    def __init__(self):
        self.batches = []
        self.began = threading.Semaphore(0)
        self.may_run = threading.Semaphore(0)

    def __call__(self, inputs):
        self.batches.append(inputs["x"].tolist())
        self.began.release()
        assert self.may_run.acquire(timeout=60)
        if (inputs["x"] < 0).any():
            raise ValueError("negative")
        return {"y": 2 * inputs["x"]}


@pytest.fixture
def calls(until):
    """Calls a batcher with rows while its first batch, of row 0, runs; gives the results."""

    def run(*requests):
        held = Held()
        batcher = Batcher(held, (1, 8, 64))
        with ThreadPoolExecutor(64) as pool:
            first = pool.submit(batcher, {"x": np.zeros(1, int)})
            assert held.began.acquire(timeout=60)
            futures = []
            for rows in requests:
                futures.append(pool.submit(batcher, {"x": np.array(rows, int)}))
                until(lambda: len(batcher._waiting) == len(futures))
            held.may_run.release(1000)
            assert first.result(60)["y"].tolist() == [0]
            errors = [future.exception(60) for future in futures]
            results = [
                error or future.result()["y"].tolist()
                for error, future in zip(errors, futures, strict=True)
            ]
        assert held.batches[0] == [0]
        return results, held.batches[1:]

    return run


def test_one_call_runs_at_once_as_it_is():
    seen = []
    batcher = Batcher(lambda inputs: seen.append(inputs) or {"y": inputs["x"] + 1}, (1, 8, 64))
    assert batcher({"x": np.array([5])})["y"].tolist() == [6]
    assert seen[0]["x"].tolist() == [5]


def test_calls_that_come_meanwhile_are_one_batch_filled_up(calls):
    results, batches = calls([1, 2], [3], [4, 5])
    assert results == [[2, 4], [6], [8, 10]]
    assert batches == [[1, 2, 3, 4, 5, 5, 5, 5]]


def test_no_batch_is_larger_than_the_largest_size(calls):
    rows = [list(range(30 * request, 30 * request + 30)) for request in range(3)]
    results, batches = calls(*rows)
    assert results == [[2 * row for row in request] for request in rows]
    assert [len(batch) for batch in batches] == [64, 64]
    assert batches[1][:30] == rows[2]


def test_a_batch_is_not_mostly_padding(calls):
    """15 rows are 8 and then 7, in place of 64 of which 49 are for nothing."""
    _, batches = calls(*([row] for row in range(1, 16)))
    assert [len(batch) for batch in batches] == [8, 8]


def test_a_call_that_fails_spoils_no_other(calls):
    results, batches = calls([1], [-1], [3])
    assert (results[0], results[2]) == ([2], [6])
    assert isinstance(results[1], ValueError)
    assert batches[1:] == [[1], [-1], [3]]  # each anew, by itself


def test_calls_of_unequal_row_shapes_do_not_harm_each_other(calls):
    results, _ = calls([1], [[2, 3]], [4])
    assert results == [[2], [[4, 6]], [8]]


def test_no_rows(calls):
    results, batches = calls([1], [], [2])
    assert results == [[2], [], [4]]
    assert batches[0] == [1, 2, 2, 2, 2, 2, 2, 2]


def test_what_has_no_rows_is_told():
    with pytest.raises(StatusError, match=r"shape \[\]"):
        Batcher(lambda inputs: {"y": np.sum(inputs["x"])}, (1, 8))({"x": np.ones(3)})
