"""The folders of a study's processes."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from recommender.runs.status import Status
from recommender.runs.studies import new_worker, workers
from recommender.settings import settings


def test_processes_that_begin_at_once_have_folders_of_their_own() -> None:
    with ThreadPoolExecutor(8) as pool, ExitStack() as working:
        made = list(pool.map(lambda _: working.enter_context(new_worker("s", settings())), range(24)))
        found = [worker for worker, _ in workers("s", settings())]
    assert len({worker.run_id for worker in made}) == 24
    assert found == sorted(made, key=lambda worker: int(worker.run_id.rpartition("-")[2]))


def test_the_folders_of_those_that_have_ended_go() -> None:
    with new_worker("s", settings()) as first:
        first.write_status(Status(state="finished"))
    with new_worker("s", settings()) as second:
        pass
    assert [worker.run_id for worker, _ in workers("s", settings())] == [second.run_id] == ["s-worker-2"]
