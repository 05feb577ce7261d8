import threading
from pathlib import Path
from typing import Any

import pytest

from barbotage_device.errors import BarbotageError, NotFoundError, RefusedError
from barbotage_host.review.child import run_child
from barbotage_host.review.jobs import MOST_RUNNING, CancelledError, Job, Jobs, State


def until_cancelled(job: Job) -> dict[str, Any]:
    for done in range(10_000):
        job.progress(done, 10_000)
        job.wait_cancelled(0.01)
    raise AssertionError("nobody cancelled")


def ended(jobs: Jobs, job: Job) -> State:
    jobs.close(5.0)
    return job.state


def test_a_job_gives_its_progress_and_its_result() -> None:
    jobs, half, go_on = Jobs(), threading.Event(), threading.Event()

    def work(job: Job) -> dict[str, Any]:
        job.progress(1, 2)
        half.set()
        assert go_on.wait(5)
        return {"answer": 42}

    job = jobs.start("a", work)
    assert half.wait(5)
    assert job.record() == {"state": "running", "done": 1, "total": 2, "result": None, "error": None}
    go_on.set()
    assert ended(jobs, job) is State.DONE
    assert job.record()["result"] == {"answer": 42}


def test_a_cancelled_job_ends_at_its_next_progress() -> None:
    jobs = Jobs()
    job = jobs.start("a", until_cancelled)
    jobs.find(job.identity).cancel()
    assert ended(jobs, job) is State.CANCELLED


@pytest.mark.parametrize(
    ("error", "words"),
    [(BarbotageError("the disk is full; make room"), "the disk is full; make room"), (KeyError("x"), "KeyError: 'x'")],
)
def test_a_failed_job_says_why(error: Exception, words: str) -> None:
    def work(_: Job) -> dict[str, Any]:
        raise error

    jobs = Jobs()
    job = jobs.start("a", work)
    assert ended(jobs, job) is State.FAILED
    assert job.error == words


def test_the_same_work_is_not_started_twice() -> None:
    jobs = Jobs()
    first = jobs.start("rerun a", until_cancelled)
    assert jobs.start("rerun a", until_cancelled) is first
    other = jobs.start("rerun b", until_cancelled)
    assert other is not first
    assert ended(jobs, first) is ended(jobs, other) is State.CANCELLED


def test_too_much_work_at_once_is_refused() -> None:
    jobs = Jobs()
    for number in range(MOST_RUNNING):
        jobs.start(str(number), until_cancelled)
    with pytest.raises(RefusedError, match="wait for one or cancel it"):
        jobs.start("one more", until_cancelled)
    jobs.close()


def test_an_unknown_job_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="no job '7'"):
        Jobs().find("7")


def test_a_failing_child_gives_its_words(tmp_path: Path) -> None:
    with pytest.raises(BarbotageError, match="no session there"):
        run_child(Job("1", "x"), "rerun", [str(tmp_path), str(tmp_path)], tmp_path / "log")


def test_a_child_that_breaks_gives_the_last_line_of_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(BarbotageError, match=r"ended early.*ValueError"):
        run_child(Job("1", "x"), "rerun", [], tmp_path / "log")


def test_a_cancelled_child_is_ended(tmp_path: Path) -> None:
    job = Job("1", "x")
    job.cancel()
    with pytest.raises(CancelledError):
        run_child(job, "rerun", [str(tmp_path), str(tmp_path)], tmp_path / "log")
