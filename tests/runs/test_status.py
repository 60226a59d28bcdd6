"""Status files of every version say the same today."""

import pytest

from recommender.runs.folder import Run
from recommender.runs.status import Status, migrated
from recommender.settings import ROOT

SAMPLE = "the synthetic sample, NOT ReDial: 2,000 training and 500 test dialogues"


@pytest.mark.parametrize(
    ("source", "device", "kinds"),
    [
        ("", "", ("", "")),
        ("ReDial (folder): 10,005 training and 1,342 test dialogues", "CPU (x86_64), 2 threads", ("folder", "cpu")),
        ("ReDial (cache): 1 training dialogue", "CPU, 2 threads", ("cache", "cpu")),
        ("MovieLens (hub): 5 events", "Apple GPU", ("hub", "mps")),
        (SAMPLE, "NVIDIA H200 (141 GB)", ("sample", "cuda")),
    ],
)
def test_what_the_first_version_said_in_words_is_read_as_facts(
    source: str, device: str, kinds: tuple[str, str]
) -> None:
    status = Status.model_validate(migrated({"state": "finished", "source": source, "device": device}))
    assert (status.version, status.source_kind, status.device_type) == (2, *kinds)


def test_this_version_s_facts_stand_whatever_its_words_say() -> None:
    written = Status(state="finished", source=SAMPLE, source_kind="folder", device="CPU", device_type="mps")
    assert Status.model_validate(migrated(written.model_dump())) == written


@pytest.mark.parametrize("run_id", ["default", "original-full", "weighted-frozen"])
def test_shipped_runs_say_where_they_learned(run_id: str) -> None:
    status = Run(ROOT / "checkpoints" / run_id).status()
    assert (status.source_kind, status.device_type) == ("folder", "cpu")
