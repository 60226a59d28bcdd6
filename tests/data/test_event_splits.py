"""Splits of what people watched: whole, stable under equal times, and nothing of the future in what is learned."""

import random
import tracemalloc
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.config import DataConfig
from recommender.data.catalog import Catalog, Movie
from recommender.data.interaction import Interaction, InteractionSet, as_events
from recommender.data.next_movie import next_movies
from recommender.data.parts import HistoryParts
from recommender.data.ratings import read_ratings
from recommender.data.source import Source
from recommender.data.splits import HoldOut, split_dialogues, split_events
from recommender.errors import DataError

HOLD_OUTS: tuple[HoldOut, ...] = ("random", "latest", "leave_one_out")
MOVIES = Catalog([Movie(number, f"Movie {number}", movielens_id=number) for number in range(1, 21)])
EVENTS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(1, 20), st.integers(0, 4)), max_size=60
)  # five moments for all: many equal times


def as_table(events: list[tuple[str, int, int]]) -> pd.DataFrame:
    return as_events(Interaction(*event) for event in events)


def times(events: pd.DataFrame, parts: np.ndarray, name: str) -> list[int]:
    return events["timestamp"][parts == name].tolist()


@pytest.mark.parametrize(
    ("hold_out", "train", "validation", "test"),
    [
        ("random", 10, 20, 30),  # 3 of 6 people, 2 of the other 3, each with ten events
        ("latest", 15, 15, 30),  # half of 60 events, half of the others
        ("leave_one_out", 48, 6, 6),  # two of each person's ten, whatever the shares
    ],
)
def test_the_parts_have_the_sizes_that_were_asked_for(
    hold_out: HoldOut, train: int, validation: int, test: int
) -> None:
    events = [(person, movie, 6 * movie + place) for place, person in enumerate("abcdef") for movie in range(1, 11)]
    parts = split_events(as_table(events), hold_out, 0.5, 0.5, seed=1)
    assert Counter(parts.tolist()) == {"train": train, "validation": validation, "test": test}


@given(EVENTS)
def test_a_person_and_a_movie_stand_once(events: list[tuple[str, int, int]]) -> None:
    pairs = [(person, movie) for person, movie, _ in events]
    table = as_table(events)
    assert sorted(zip(table["person"], table["movie_id"], strict=True)) == sorted(set(pairs))


@given(EVENTS, st.floats(0.05, 0.6), st.floats(0.05, 0.6))
def test_by_time_everything_learned_is_before_everything_held_out(
    events: list[tuple[str, int, int]], validation: float, test: float
) -> None:
    table = as_table(events)
    parts = split_events(table, "latest", validation, test, seed=1)
    order = ("train", "validation", "test")
    for earlier, later in pairwise(order):
        before, after = times(table, parts, earlier), times(table, parts, later)
        assert not before or not after or max(before) < min(after)
    assert Counter(parts)["test"] >= round(test * len(table))


@given(EVENTS)
def test_leave_one_out_takes_the_last_two_of_everyone_with_three(events: list[tuple[str, int, int]]) -> None:
    table = as_table(events)
    parts = split_events(table, "leave_one_out", 0.1, 0.1, seed=1)
    for _, rows in table.groupby("person", observed=True):
        own = parts[rows.index].tolist()
        assert own == (["train"] * (len(own) - 2) + ["validation", "test"] if len(own) >= 3 else ["train"] * len(own))


@given(EVENTS, st.floats(0.05, 0.6), st.floats(0.05, 0.6), st.integers(0, 3))
def test_random_takes_whole_people(
    events: list[tuple[str, int, int]], validation: float, test: float, seed: int
) -> None:
    table = as_table(events)
    parts = pd.Series(split_events(table, "random", validation, test, seed))
    of_people = parts.groupby(table["person"].astype(str)).unique()
    assert all(len(found) == 1 for found in of_people)
    assert sum(found[0] == "test" for found in of_people) == round(test * len(of_people))


@given(EVENTS, st.sampled_from(HOLD_OUTS))
def test_every_input_lies_before_its_answer(events: list[tuple[str, int, int]], hold_out: HoldOut) -> None:
    table = as_table(events)
    if table.empty:
        return
    when = {(str(row.person), row.movie_id): place for place, row in enumerate(table.itertuples())}
    time = {key: int(table["timestamp"][place]) for key, place in when.items()}
    task = parts_of(table, hold_out)
    asked = []
    for split in ("train", "validation", "test"):
        for example in task.examples(split):
            [answer] = example.targets
            key = (example.dialogue_id, answer)
            asked.append(key)
            inputs = [(example.dialogue_id, movie_id) for movie_id in example.mentioned]
            assert inputs
            assert all(when[one] < when[key] and time[one] <= time[key] for one in inputs)
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("hold_out", HOLD_OUTS)
def test_a_shuffled_file_gives_the_same_split(hold_out: HoldOut, tmp_path: Path) -> None:
    rng = random.Random(3)
    lines = [f"{user},{movie},3.0,{rng.randrange(6)}" for user in range(1, 13) for movie in rng.sample(range(1, 21), 9)]
    found = []
    for order in (lines, lines[::-1], rng.sample(lines, k=len(lines))):
        path = tmp_path / "ratings.csv"
        path.write_text("\n".join(["userId,movieId,rating,timestamp", *order]) + "\n")
        task = parts_of(read_ratings(path, MOVIES, DataConfig()).events, hold_out)
        found.append({split: task.ids(split) for split in ("train", "validation", "test")})
        assert all(found[-1].values())
    assert found[0] == found[1] == found[2]


def parts_of(events: pd.DataFrame, hold_out: HoldOut, **others: int | None) -> HistoryParts:
    config = DataConfig(hold_out=hold_out, validation=0.2, test=0.2, **others)  # type: ignore[arg-type]
    return HistoryParts(InteractionSet(Source.FOLDER, "", events), MOVIES, config, seed=1)


def test_dialogues_have_no_leave_one_out() -> None:
    with pytest.raises(DataError, match="dialogues have no such people"):
        split_dialogues([], 0.1, 0, "leave_one_out")


# The examples.

FIVE = [("p", number, 10 * number) for number in range(1, 6)]


def test_an_example_is_what_came_before_and_what_came_next() -> None:
    task = parts_of(as_table([*FIVE, ("q", 9, 7)]), "leave_one_out", max_mentioned=2)
    assert [(e.example_id, e.text, e.mentioned, e.targets) for e in task.examples("train")] == [
        ("p:2", "Movie 1", (1,), (2,)),
        ("p:3", "Movie 2", (1, 2), (3,)),
    ]
    [validation], [test] = task.examples("validation"), task.examples("test")
    assert (validation.mentioned, validation.targets) == ((1, 2, 3), (4,))  # all of it, so that no ranking repeats it
    assert (test.mentioned, test.targets, test.text) == ((1, 2, 3, 4), (5,), "Movie 4")
    assert [said.mentioned for said in test.said] == [(3, 4)]
    assert (test.dialogue_id, test.turn, test.person, test.time) == ("p", 4, "p", 50.0)


def test_ages_are_counted_from_the_latest_event_that_is_learned_from() -> None:
    day = 24 * 60 * 60
    task = parts_of(as_events(Interaction("p", n, n * day, 4.0) for n in range(1, 7)), "leave_one_out")
    ages = [example.target_engagement[0].age_days for example in task.examples("train")]
    assert ages == [2, 1, 0]
    assert [example.target_engagement[0].age_days for example in task.examples("test")] == [None]
    assert task.examples("test")[0].target_engagement[0].liked == 1


def test_of_each_person_so_many_answers_at_most_are_asked_for() -> None:
    task = parts_of(as_table([*FIVE, ("p", 6, 60), ("q", 9, 7), ("q", 8, 8)]), "leave_one_out", max_targets=1)
    assert [example.example_id for example in task.examples("train")] == ["p:4", "q:8"]


def test_a_movie_outside_the_catalogue_is_neither_input_nor_answer() -> None:
    events = as_table([*FIVE, ("p", 99, 25), ("p", 98, 60)])
    examples = next_movies(events, np.ones(len(events), dtype=bool), MOVIES, DataConfig(), 0, whole=True)
    assert [(e.mentioned, e.targets) for e in examples][1:3] == [((1, 2), (3,)), ((1, 2, 3), (4,))]
    assert len(examples) == 4


def test_mentions_and_identity_follow_the_events() -> None:
    table = as_table([*FIVE, ("q", 1, 7)])
    task = parts_of(table, "leave_one_out")
    assert task.mentions("train") == {1: 2, 2: 1, 3: 1}
    assert task.ids("test") == ["p:5"]
    assert task.identity() == parts_of(as_table([("q", 1, 7), *FIVE[::-1]]), "random").identity()
    assert task.identity() != parts_of(as_table(FIVE), "random").identity()


# The histories.


def asked_of(task: HistoryParts, split: str) -> list[tuple[str, int, int]]:
    return [
        (history.person, movie_id, time)
        for history in task.histories(split)
        for movie_id, time in zip(
            history.movie_ids[history.asked].tolist(), history.times[history.asked].tolist(), strict=True
        )
    ]


@given(EVENTS, st.sampled_from(HOLD_OUTS), st.sampled_from([None, 2]))
def test_a_history_asks_what_the_examples_ask(
    events: list[tuple[str, int, int]], hold_out: HoldOut, most: int | None
) -> None:
    table = as_table(events)
    if table.empty:
        return
    task = parts_of(table, hold_out, max_targets=most)
    for split in ("train", "validation", "test"):
        examples = task.examples(split)
        assert asked_of(task, split) == [(e.person, e.targets[0], e.time) for e in examples]
        before = {(e.person, e.targets[0]): e.mentioned for e in examples if split != "train"}
        for history in task.histories(split):
            assert history.asked[-1]
            assert not history.asked[0]
            for place in np.flatnonzero(history.asked) if split != "train" else ():
                earlier = before[history.person, int(history.movie_ids[place])]
                assert history.movie_ids[:place].tolist() == list(earlier)


@pytest.mark.parametrize("hold_out", HOLD_OUTS)
def test_a_training_history_holds_nothing_that_is_held_out(hold_out: HoldOut) -> None:
    table = as_table([(person, movie, movie) for person in "abcdef" for movie in range(1, 11)])
    task = parts_of(table, hold_out)
    held_out = {key for split in ("validation", "test") for key in task.ids(split)}
    learned = {f"{h.person}:{movie}" for h in task.histories("train") for movie in h.movie_ids.tolist()}
    assert learned
    assert not learned & held_out


def test_the_memory_of_a_history_grows_with_its_length_and_not_with_its_square() -> None:
    count = 6_800
    catalog = Catalog([Movie(number, f"Movie {number}") for number in range(1, count + 1)])
    events = as_events(Interaction("p", number, number) for number in range(1, count + 1))
    task = HistoryParts(InteractionSet(Source.FOLDER, "", events), catalog, DataConfig(test=0.9), seed=1)
    assert len(task.ids("test")) == count
    tracemalloc.start()
    found = list(task.histories("test"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(len(history.movie_ids) for history in found) == count
    assert most < 100 * count  # an example for each event holds 23 million ids


def test_a_history_leaves_out_movies_outside_the_catalogue() -> None:
    task = parts_of(as_table([*FIVE, ("p", 99, 25)]), "leave_one_out")
    [history] = task.histories("test")
    assert history.movie_ids.tolist() == [1, 2, 3, 4, 5]
    assert history.times.tolist() == [10, 20, 30, 40, 50]
    assert history.asked.tolist() == [False, False, False, False, True]
