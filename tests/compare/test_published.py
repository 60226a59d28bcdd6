"""The published figures that stand beside ours."""

from recommender.compare.published import EXPECTED_BAND, PUBLISHED, published_for
from recommender.config import PROTOCOLS
from recommender.evaluation.metrics import CUTOFFS, METRICS


def test_rows_speak_the_language_of_reports() -> None:
    metrics = {f"{name}@{cutoff}" for name in METRICS for cutoff in CUTOFFS}
    for row in PUBLISHED:
        assert row.protocol in PROTOCOLS
        assert row.values.keys() <= metrics
        assert row.values
        assert all(0 <= value < 1 for value in row.values.values())
        at = [row.values[name] for name in ("recall@1", "recall@10", "recall@50") if name in row.values]
        assert at == sorted(at)
        assert row.note.endswith(".")


def test_names_are_given_once_in_a_table() -> None:
    keys = [(row.protocol, row.targets, row.name) for row in PUBLISHED]
    assert len(set(keys)) == len(keys) == 29


def test_rows_are_found_by_protocol_and_targets() -> None:
    assert {row.name: row.values["ndcg@10"] for row in published_for("paper")} == {
        "Nguyen 2024, text": 0.130,
        "Nguyen 2024, text + RNN": 0.165,
        "Nguyen 2024, text + tags": 0.138,
        "Nguyen 2024, text + RNN + tags": 0.169,
    }
    assert len(published_for("notebook")) == 8
    assert published_for("one_shot") == published_for("notebook", "new") == ()
    assert sum(len(published_for(protocol, targets)) for protocol in PROTOCOLS for targets in ("all", "new")) == 29


def test_tables_scored_on_other_turns_say_so() -> None:
    for targets, turns in (("all", ("3,617", "4,198")), ("new", ("3,372", "3,838"))):
        for row in published_for("conversational", targets):
            assert all(number in row.note for number in turns) or row.name.startswith("GPT-4")


def test_the_expected_band_rises_without_gaps() -> None:
    assert [epoch for epoch, _, _ in EXPECTED_BAND] == sorted(epoch for epoch, _, _ in EXPECTED_BAND)
    assert all(low < high for _, low, high in EXPECTED_BAND)
    assert [high for _, _, high in EXPECTED_BAND[:-1]] == [low for _, low, _ in EXPECTED_BAND[1:]]
