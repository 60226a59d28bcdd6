"""Each protocol on one hand-made dialogue, and what must hold for any dialogue."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.config import DIALOGUE_PROTOCOLS, PROTOCOLS, Protocol
from recommender.data.catalog import Catalog, Movie
from recommender.data.dialogue import Dialogue, Message
from recommender.data.examples import BUILDERS, Example, Said, build_examples, distinct_ids, in_one_text, what_was_said
from recommender.errors import UnknownNameError

FOUR = Catalog([Movie(1, "One", 2001), Movie(2, "Two"), Movie(3, "Three", 2003), Movie(12, "Twelve", 2012)])


def bare(examples: list[Example]) -> list[Example]:
    """Without the single messages."""
    return [replace(example, said=()) for example in examples]


def test_notebook_takes_whoever_writes_first_for_the_seeker(dialogue: Dialogue, small_catalog: Catalog) -> None:
    assert bare(build_examples([dialogue], "notebook", small_catalog)) == [
        Example("d1", "d1", 0, "Hello! [SEP] Try @ or @ [SEP] Then @, or again @", (20, 30, 40), (1234, 20))
    ]


def test_paper_goes_by_the_real_roles(dialogue: Dialogue, small_catalog: Catalog) -> None:
    assert bare(build_examples([dialogue], "paper", small_catalog)) == [
        Example("d1", "d1", 0, "I loved @ [SEP] I have seen @, and @ [SEP] Thanks", (1234, 20), (20, 30, 40))
    ]


def test_one_shot_ends_before_the_first_recommended_movie(dialogue: Dialogue, small_catalog: Catalog) -> None:
    assert bare(build_examples([dialogue], "one_shot", small_catalog)) == [
        Example("d1", "d1", 0, "I loved The Red Lantern (1999)", (1234,), (20, 30, 40))
    ]


def test_one_shot_never_answers_with_what_the_seeker_named_first(small_catalog: Catalog) -> None:
    messages = (
        Message("seeker", "Something like @1234?"),
        Message("seeker", "Or scary"),
        Message("recommender", "@30 or @1234"),
        Message("seeker", "Is @40 any good?"),
        Message("recommender", "Yes, @40 is. Also @41 and @30"),
    )
    assert bare(build_examples([Dialogue("d2", messages)], "one_shot", small_catalog)) == [
        Example("d2", "d2", 0, "Something like The Red Lantern (1999)? [SEP] Or scary", (1234,), (30, 41))
    ]


def test_conversational_has_an_example_for_each_turn_with_movies(dialogue: Dialogue, small_catalog: Catalog) -> None:
    first, second = bare(build_examples([dialogue], "conversational", small_catalog))
    assert first == Example(
        "d1:2", "d1", 2, "Recommender: Hello! Seeker: I loved The Red Lantern (1999)", (1234,), (20, 30)
    )
    assert second == Example(
        "d1:4",
        "d1",
        4,
        "Recommender: Hello! Seeker: I loved The Red Lantern (1999) Recommender: Try Iron Comet (1982) or "
        "The Cellar Door (1995) Seeker: I have seen Iron Comet (1982), and Far Away (1970)",
        (1234, 20, 30),
        (40, 20),
    )
    assert second.new_targets == (40,)


def test_an_example_holds_its_input_message_by_message(dialogue: Dialogue, small_catalog: Catalog) -> None:
    [example, _] = build_examples([dialogue], "conversational", small_catalog)
    assert example.said == (
        Said("recommender", "Hello!"),
        Said("seeker", "I loved The Red Lantern (1999)", (1234,), ((8, 30, 1234),)),
    )


def test_the_seeker_s_movies_may_be_learned_from_too(dialogue: Dialogue, small_catalog: Catalog) -> None:
    of_both = build_examples([dialogue], "conversational", small_catalog, of_both=True)
    assert [(example.turn, example.targets) for example in of_both] == [
        (1, (1234,)),
        (2, (20, 30)),
        (3, (20,)),
        (4, (40, 20)),
    ]
    assert build_examples([dialogue], "paper", small_catalog, of_both=True) == build_examples(
        [dialogue], "paper", small_catalog
    )


def test_a_movie_without_any_name_stays_readable() -> None:
    messages = (Message("seeker", "I saw @77"), Message("recommender", "@1"))
    [example] = build_examples([Dialogue("d", messages)], "one_shot", FOUR)
    assert (example.text, example.mentioned) == ("I saw a movie", ())


@pytest.mark.parametrize("protocol", DIALOGUE_PROTOCOLS)
def test_an_example_without_a_known_target_is_left_out(protocol: str) -> None:
    silent = Dialogue("d", (Message("seeker", "Hi @1"), Message("recommender", "Hm"), Message("seeker", "Bye")))
    foreign = Dialogue("e", (Message("seeker", "Hi"), Message("recommender", "@77")))
    assert build_examples([silent, foreign], protocol, FOUR) == []


def test_a_recommendation_that_opens_the_dialogue_answers_nothing() -> None:
    opening = Dialogue("d", (Message("recommender", "See @1"), Message("seeker", "Why?"), Message("recommender", "@2")))
    assert build_examples([opening], "one_shot", FOUR) == []
    assert [example.example_id for example in build_examples([opening], "conversational", FOUR)] == ["d:2"]


def test_ids_are_replaced_as_whole_numbers() -> None:
    said = what_was_said("one_shot", [Message("seeker", "@12 @1")], lambda movie_id: FOUR.by_id(movie_id).name)
    assert in_one_text("one_shot", said) == "Twelve (2012) One (2001)"


def test_the_table_holds_every_protocol_and_an_unknown_one_is_an_error() -> None:
    assert set(BUILDERS) == set(DIALOGUE_PROTOCOLS)
    assert set(PROTOCOLS) == set(get_args(Protocol))
    with pytest.raises(UnknownNameError, match="Did you mean: one_shot"):
        build_examples([], "oneshot", FOUR)


words = st.lists(st.sampled_from(["@1", "@2", "@3", "@12", "@77", "well", "[SEP]"]), min_size=1, max_size=4)
messages = st.builds(Message, st.sampled_from(["seeker", "recommender"]), words.map(" ".join))
dialogues = st.lists(messages, min_size=1, max_size=8).map(lambda said: Dialogue("d", tuple(said)))


def before_turn(dialogue: Dialogue, turn: int) -> set[int]:
    return set(distinct_ids(dialogue.messages[:turn]))


@given(dialogues)
def test_no_answer_of_a_turn_stands_in_its_input_as_new(dialogue: Dialogue) -> None:
    for example in build_examples([dialogue], "conversational", FOUR):
        assert set(example.mentioned) == {i for i in before_turn(dialogue, example.turn) if FOUR.has(i)}
        assert not set(example.new_targets) & before_turn(dialogue, example.turn)
        assert set(example.targets) <= set(dialogue.messages[example.turn].movie_ids)
        later = {FOUR.by_id(i).name for i in example.new_targets}
        assert not [name for name in later if name in example.text]


@given(dialogues)
def test_no_one_shot_target_was_mentioned_before_it_was_recommended(dialogue: Dialogue) -> None:
    for example in build_examples([dialogue], "one_shot", FOUR):
        assert example.new_targets == example.targets
        for target in example.targets:
            first = next(i for i, message in enumerate(dialogue.messages) if target in message.movie_ids)
            assert dialogue.messages[first].role == "recommender"
            assert FOUR.by_id(target).name not in example.text


@given(dialogues, st.sampled_from(DIALOGUE_PROTOCOLS))
def test_mentions_and_targets_are_distinct_movies_of_the_catalogue(dialogue: Dialogue, protocol: str) -> None:
    for example in build_examples([dialogue], protocol, FOUR):
        assert example.targets
        for ids in (example.mentioned, example.targets):
            assert len(set(ids)) == len(ids)
            assert all(FOUR.has(movie_id) for movie_id in ids)


@given(dialogues, st.sampled_from(DIALOGUE_PROTOCOLS))
def test_the_messages_of_an_input_are_its_text_and_its_movies(dialogue: Dialogue, protocol: Protocol) -> None:
    for example in build_examples([dialogue], protocol, FOUR):
        assert in_one_text(protocol, example.said) == example.text
        named = (movie_id for message in example.said for movie_id in message.mentioned)
        assert tuple(dict.fromkeys(named)) == example.mentioned
