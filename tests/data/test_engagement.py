"""What people said of single movies: read from ReDial's forms, carried beside the targets, never an input."""

import math

import pytest

from recommender.data.catalog import Catalog
from recommender.data.collate import Item, Text, collate_shared
from recommender.data.dialogue import Dialogue, Message
from recommender.data.engagement import FACTS, UNKNOWN, Engagement
from recommender.data.examples import build_examples
from recommender.data.redial import parse_dialogue
from recommender.models.dialogue_items import collate_dialogues, dialogue_item, message_of, packed

FORMS = {
    "initiatorQuestions": {
        "10": {"suggested": 1, "seen": 2, "liked": 1},
        "11": {"suggested": 0, "seen": 1, "liked": 2},
    },
    "respondentQuestions": {"10": {"suggested": 0, "seen": 0, "liked": 0}, "12": {"liked": 1}},
}
MEANT = {
    10: Engagement(liked=1, seen=0, suggested=1),
    11: Engagement(seen=1, suggested=0),
    12: Engagement(liked=1),
}


def record(**forms):
    messages = [{"text": "hi", "senderWorkerId": 7}]
    return {"conversationId": "1", "messages": messages, "initiatorWorkerId": 7, "respondentWorkerId": 3, **forms}


def test_the_seekers_form_is_completed_by_the_recommenders():
    assert parse_dialogue(record(**FORMS)).engagement == MEANT


def test_the_hubs_lists_of_answers_mean_the_same():
    lists = {who: [{"movieId": movie, **said} for movie, said in form.items()] for who, form in FORMS.items()}
    assert parse_dialogue(record(**lists)).engagement == MEANT


@pytest.mark.parametrize("form", [None, [], {}, "none", {"10": None}])
def test_a_dialogue_without_forms_knows_nothing(form):
    assert parse_dialogue(record(initiatorQuestions=form, respondentQuestions=form)).engagement == {}


@pytest.fixture
def spoken() -> Dialogue:
    """Two answers, the second with a movie that no catalogue holds between two that it does."""
    messages = [
        Message("seeker", "Something funny."),
        Message("recommender", "@40?"),
        Message("recommender", "Or @20, @77 or @30."),
    ]
    return Dialogue("d", tuple(messages), engagement={30: Engagement(liked=0), 77: Engagement(liked=1)})


def test_facts_stay_with_their_movie_when_another_is_left_out(spoken: Dialogue, small_catalog: Catalog):
    first, second = build_examples([spoken], "conversational", small_catalog)
    assert first.target_engagement == ()
    assert (second.targets, second.target_engagement) == ((20, 30), (UNKNOWN, Engagement(liked=0)))


def test_a_batch_holds_the_facts_of_every_target_and_nan_for_what_is_unknown():
    known = [Engagement(liked=1, age_days=3.5), Engagement(rating=0.5)]
    table = collate_shared([Item((), [], [5]), Item((), [], [6, 7], engagement=known)])["engagement"]
    assert table.shape == (2, 2, len(FACTS))
    told = {(b, t, f): table[b, t, f].item() for b, t, f in (~table.isnan()).nonzero().tolist()}
    assert told == {(1, 0, 0): 1.0, (1, 0, FACTS.index("age_days")): 3.5, (1, 1, FACTS.index("rating")): 0.5}


def test_a_batch_of_which_nothing_is_known_has_no_such_table():
    assert "engagement" not in collate_shared([Item((), [], [5])])


def test_the_facts_of_a_dialogue_read_message_by_message_stand_row_by_row(spoken: Dialogue, small_catalog: Catalog):
    examples = build_examples([spoken], "conversational", small_catalog)
    made = {m: message_of(m, Text([1]), small_catalog, True) for example in examples for m in example.said}
    batch = collate_dialogues(packed([dialogue_item(example, made, small_catalog, True) for example in examples]))
    assert batch["targets"].shape == (2, 2)
    liked = batch["engagement"][:, :, FACTS.index("liked")].tolist()
    assert [[value if value == value else None for value in row] for row in liked] == [[None, None], [None, 0.0]]
    assert all(math.isnan(value) for value in batch["engagement"][0].flatten().tolist())
