"""The folders of a study's processes."""

from concurrent.futures import ThreadPoolExecutor

from recommender.runs.status import Status
from recommender.runs.studies import new_worker, workers
from recommender.settings import settings


def test_processes_that_begin_at_once_have_folders_of_their_own() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_worker("s", settings()), range(24)))
    assert len({worker.run_id for worker in made}) == 24
    assert [worker for worker, _ in workers("s", settings())] == sorted(
        made, key=lambda worker: int(worker.run_id.rpartition("-")[2])
    )


def test_the_folders_of_those_that_have_ended_go() -> None:
    first = new_worker("s", settings())
    first.write_status(Status(state="finished"))
    second = new_worker("s", settings())
    assert [worker.run_id for worker, _ in workers("s", settings())] == [second.run_id] == ["s-worker-2"]
