"""The split by dialogue: whole, disjoint, and decided by ids and seed alone."""

import random

from hypothesis import given
from hypothesis import strategies as st

from recommender.data.dialogue import Dialogue, Message
from recommender.data.splits import HoldOut, split_dialogues

HUNDRED = [Dialogue(str(number), (Message("seeker", "hi"),)) for number in range(100)]


def ids(dialogues: list[Dialogue]) -> list[str]:
    return [dialogue.dialogue_id for dialogue in dialogues]


def test_the_share_is_held_out_and_both_parts_keep_their_order() -> None:
    kept, held_out = split_dialogues(HUNDRED, 0.2, seed=42)
    assert (len(kept), len(held_out)) == (80, 20)
    assert sorted(ids(kept), key=int) == ids(kept)
    assert sorted(ids(held_out), key=int) == ids(held_out)
    assert sorted(ids(kept) + ids(held_out), key=int) == ids(HUNDRED)


def test_the_order_of_the_file_does_not_matter_and_the_seed_does() -> None:
    shuffled = random.Random(1).sample(HUNDRED, k=100)
    _, held_out = split_dialogues(HUNDRED, 0.1, seed=42)
    assert set(ids(split_dialogues(shuffled, 0.1, seed=42)[1])) == set(ids(held_out))
    assert set(ids(split_dialogues(HUNDRED, 0.1, seed=43)[1])) != set(ids(held_out))


def test_one_more_dialogue_moves_at_most_one_other() -> None:
    _, before = split_dialogues(HUNDRED, 0.1, seed=42)
    _, after = split_dialogues([*HUNDRED, Dialogue("new", HUNDRED[0].messages)], 0.1, seed=42)
    assert len(set(ids(after)) ^ set(ids(before))) <= 2


def test_the_split_stays_what_it_was_when_figures_were_measured() -> None:
    """Known by hand from sha256("42:<id>"): another draw would change every validation figure."""
    assert ids(split_dialogues(HUNDRED, 0.05, seed=42)[1]) == ["1", "45", "53", "86", "88"]


def test_the_latest_are_those_with_the_highest_numbers_whatever_the_seed_and_the_order() -> None:
    named = Dialogue("u4_7", HUNDRED[0].messages)  # of unknown age: never held out before the others
    shuffled = random.Random(1).sample([named, *HUNDRED], k=101)
    for seed in (1, 2):
        _, held_out = split_dialogues(shuffled, 0.1, seed, "latest")
        assert sorted(ids(held_out), key=int) == [str(number) for number in range(90, 100)]


@given(
    st.lists(st.text(max_size=6), unique=True, max_size=30),
    st.floats(0.01, 0.99),
    st.integers(0, 5),
    st.sampled_from(["random", "latest"]),
)
def test_any_split_is_a_partition(names: list[str], share: float, seed: int, hold_out: HoldOut) -> None:
    dialogues = [Dialogue(name, (Message("seeker", "hi"),)) for name in names]
    kept, held_out = split_dialogues(dialogues, share, seed, hold_out)
    assert len(held_out) == round(share * len(names))
    assert sorted(ids(kept) + ids(held_out)) == sorted(names)
