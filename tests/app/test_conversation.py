"""The conversation, without a page."""

from copy import copy
from dataclasses import replace

import pytest

from pages.shared.conversation import SHOWN, Conversation, Taste
from pages.shared.link import Chip, Link, LinkError, Said, from_params, to_params
from recommender.data.catalog import Movie
from recommender.errors import RecommenderError
from recommender.query.engine import Answer, Engine
from tests.app.page import WISH

LIMIT = 2000
ADDED = Movie(10**9, "Moonfall Cabaret", 2026, ())


def said(*texts: str, engine: Engine) -> Conversation:
    conversation = Conversation()
    for text in texts:
        conversation.say(text, engine)
        conversation.answer(engine)
    return conversation


def titles(answer: Answer) -> list[str]:
    return [item.movie.name for item in answer.recommendations]


def named(conversation: Conversation) -> list[str]:
    return [match.movie.name for turn in conversation.turns for match in turn.utterance.matches]


def movie(engine: Engine, title: str) -> Movie:
    return engine.lookup(title)


# What was read can be corrected.


def test_a_removed_movie_counts_no_longer(engine: Engine) -> None:
    conversation = said(WISH, engine=engine)
    before = conversation.answer(engine)
    match = conversation.turns[0].utterance.matches[1]
    conversation.remove(0, match)
    conversation.remove(0, match)  # a double click
    assert named(conversation) == ["Get Out (2017)"]
    assert titles(conversation.answer(engine)) != titles(before)


def test_a_replaced_movie_can_be_had_back(engine: Engine) -> None:
    conversation = said(WISH, engine=engine)
    wrong = conversation.turns[0].utterance.matches[1]
    other = wrong.alternatives[0]
    conversation.replace(0, wrong, other)
    changed = conversation.turns[0].utterance.matches[1]
    assert changed.movie == other
    assert changed.alternatives[0] == wrong.movie
    assert other not in changed.alternatives
    assert other not in [item.movie for item in conversation.answer(engine).recommendations]


def test_a_refused_genre_can_be_allowed(engine: Engine) -> None:
    conversation = said("something like Get Out but no horror", engine=engine)
    assert conversation.turns[0].utterance.refused_genres == ("horror",)
    conversation.allow_genre(0, "horror")
    assert conversation.turns[0].utterance.refused_genres == ()


def test_a_change_in_an_early_turn_answers_the_last_one_anew(engine: Engine) -> None:
    conversation = said(WISH, "less violent", engine=engine)
    early, late = conversation.turns[0].answer, conversation.shown
    conversation.remove(0, conversation.turns[0].utterance.matches[1])
    conversation.answer(engine)
    assert conversation.turns[0].answer is early
    assert conversation.shown != late


def test_a_message_without_a_word_changes_nothing(engine: Engine) -> None:
    conversation = said(WISH, engine=engine)
    with pytest.raises(RecommenderError):
        conversation.say("😀 !!", engine)
    conversation.take("😀 !!", LIMIT)
    assert conversation.typed is None
    assert "something like Inception" in conversation.problem
    assert len(conversation.turns) == 1


def test_a_model_with_other_movies_reads_the_messages_again(engine: Engine) -> None:
    conversation = said(WISH, engine=engine)
    conversation.catalog = "another catalogue's fingerprint"
    conversation.turns[0].utterance = replace(conversation.turns[0].utterance, matches=())
    assert len(conversation.answer(engine).recommendations) == SHOWN
    assert named(conversation) == ["Get Out (2017)", "It (2017)"]
    assert conversation.catalog == engine.trained.fingerprint


def test_a_movie_that_is_added_leaves_what_was_said_as_the_user_put_it(engine: Engine) -> None:
    conversation = said(WISH, engine=engine)
    conversation.remove(0, conversation.turns[0].utterance.matches[1])
    before = conversation.answer(engine)
    more = copy(engine)
    more.catalog = engine.trained.with_added([ADDED])
    assert conversation.answer(more) is not before
    assert named(conversation) == ["Get Out (2017)"]


def test_a_model_without_the_added_movie_is_asked_without_it(engine: Engine) -> None:
    conversation = said(WISH, engine=engine)
    conversation.replace(0, conversation.turns[0].utterance.matches[1], ADDED)
    [utterance] = conversation.wish(engine.catalog).utterances
    assert [match.movie.name for match in utterance.matches] == ["Get Out (2017)"]
    assert conversation.ask(engine).recommendations  # to be compared with
    assert ADDED.name in named(conversation)
    conversation.answer(engine)
    assert named(conversation) == ["Get Out (2017)"]


# Marks.


def test_a_movie_has_one_mark(engine: Engine) -> None:
    taste = Taste().marked(1, "liked").marked(2, "seen").marked(1, "disliked")
    assert taste == Taste((), (2,), (1,))
    assert taste.without(2) == Taste((), (), (1,))


@pytest.mark.parametrize("mark", ["liked", "seen", "disliked"])
def test_a_marked_movie_is_not_shown_again_and_undo_brings_it_back(engine: Engine, mark: str) -> None:
    conversation = said(WISH, engine=engine)
    before = titles(conversation.answer(engine))
    first = conversation.shown.recommendations[0].movie
    conversation.mark(first, mark, "marked")
    conversation.mark(first, mark, "marked")  # a double click
    assert first.name not in titles(conversation.answer(engine))
    conversation.undo()
    assert titles(conversation.answer(engine)) == before
    conversation.undo()  # a double click
    assert conversation.taste == conversation.own == Taste()


def test_undo_takes_back_one_action_after_the_other(engine: Engine) -> None:
    conversation = said("something like Get Out but no horror", engine=engine)
    conversation.allow_genre(0, "horror")
    conversation.mark(movie(engine, "Heat (1995)"), "seen", "seen")
    conversation.unmark(movie(engine, "Heat (1995)"))
    actions = []
    while conversation.past:
        actions.append((conversation.past[-1].action, conversation.taste.seen))
        conversation.undo()
    heat = movie(engine, "Heat (1995)").movie_id
    assert actions == [("Heat (1995): removed", ()), ("Heat (1995): seen", (heat,)), ("No horror: removed", ())]
    assert conversation.turns[0].utterance.refused_genres == ("horror",)


def test_the_next_wish_keeps_what_was_seen_and_forgets_what_was_liked(engine: Engine) -> None:
    conversation = said(WISH, engine=engine)
    for title, mark in (("Heat (1995)", "seen"), ("Saw (2004)", "disliked"), ("Up (2009)", "liked")):
        conversation.mark(movie(engine, title), mark, mark)
    conversation.start_over()
    assert not conversation.begun
    assert (len(conversation.taste.liked), len(conversation.taste.seen), len(conversation.taste.disliked)) == (0, 1, 1)


def test_a_mark_on_a_movie_that_the_model_does_not_know_is_passed_over(engine: Engine) -> None:
    conversation = said(WISH, engine=engine)
    conversation.use_own("a" * 32, Taste((), (999_999_999,), ()))
    assert conversation.wish(engine.catalog).excluded == ()
    assert len(conversation.answer(engine).recommendations) == SHOWN


def test_movies_alone_are_a_wish(engine: Engine) -> None:
    conversation = Conversation()
    conversation.mark(movie(engine, "Heat (1995)"), "liked", "more like this")
    assert conversation.begun
    assert len(conversation.answer(engine).recommendations) == SHOWN


# Links.


def shared(conversation: Conversation, engine: Engine, own: Taste) -> Conversation:
    other = Conversation(opened=conversation.link("default"))
    other.use_own("b" * 32, own)
    other.open(engine)
    return other


def test_a_shared_wish_has_the_same_ranking(engine: Engine) -> None:
    conversation = said(WISH, "no horror, I have seen the second one", engine=engine)
    conversation.remove(0, conversation.turns[0].utterance.matches[0])
    conversation.mark(movie(engine, "Saw (2004)"), "disliked", "not for me")
    conversation.mark(movie(engine, "Heat (1995)"), "liked", "more like this")
    other = shared(conversation, engine, own=Taste((), (conversation.shown.recommendations[0].movie.movie_id,), ()))
    assert named(other) == named(conversation)
    assert titles(other.answer(engine)) == titles(conversation.answer(engine))
    assert other.link("default") == conversation.link("default")


def test_a_shared_wish_holds_the_links_marks_until_it_is_made_mine(engine: Engine) -> None:
    conversation = said(WISH, engine=engine)
    conversation.mark(movie(engine, "Heat (1995)"), "seen", "seen")
    mine = Taste((), (movie(engine, "Saw (2004)").movie_id,), ())
    other = shared(conversation, engine, mine)
    assert other.shared
    assert other.taste == conversation.taste
    other.mark(movie(engine, "Up (2009)"), "seen", "seen")
    other.make_mine()
    assert not other.shared
    assert other.taste == other.own == mine.marked(movie(engine, "Up (2009)").movie_id, "seen")


def test_a_link_with_ones_own_marks_is_a_reload(engine: Engine) -> None:
    conversation = said(WISH, engine=engine)
    conversation.mark(movie(engine, "Heat (1995)"), "seen", "seen")
    conversation.mark(movie(engine, "Saw (2004)"), "seen", "seen")
    other = shared(conversation, engine, Taste())
    assert other.shared, "the browser has not told yet whose it is"
    other.use_own("a" * 32, Taste((), conversation.own.seen[::-1], ()))
    assert not other.shared


def test_a_link_by_hand_is_read_by_the_model(engine: Engine) -> None:
    conversation = Conversation(opened=Link((Said(WISH),)))
    conversation.open(engine)
    assert named(conversation) == ["Get Out (2017)", "It (2017)"]


@pytest.mark.parametrize(
    "link",
    [
        Link((Said("!?", ()),)),
        Link(liked=(999_999_999,)),
    ],
    ids=["no word", "no movie that is known"],
)
def test_a_link_of_which_nothing_is_left_is_refused(engine: Engine, link: Link) -> None:
    conversation = Conversation(opened=link)
    with pytest.raises(RecommenderError):
        conversation.open(engine)
    assert not conversation.begun


@pytest.mark.parametrize(
    ("link", "said"),
    [
        (Link((Said("x " * LIMIT, ()),)), ""),  # cut, which a notice says
        (Link((Said("like Heat", (Chip(5, 9, "liked", 999_999_999),)),)), "a movie that this model does not know"),
        (Link((Said("like Heat", ()),), liked=(999_999_998, 999_999_999)), "2 movies that this model"),
        (Link((Said("like Heat", ()),), seen=(999_999_999,)), ""),
        (Link((Said("like Heat", (), ("cheese",)),)), ""),
    ],
    ids=["too long", "unknown movie", "unknown picks", "unknown seen movie", "unknown genre"],
)
def test_what_a_model_does_not_know_of_a_link_is_passed_over_and_the_wish_stays(
    engine: Engine, link: Link, said: str
) -> None:
    conversation = Conversation(opened=link)
    conversation.open(engine)
    assert len(conversation.turns) == 1
    assert conversation.turns[0].utterance.refused_genres == ()
    assert said in conversation.problem
    assert bool(conversation.problem) == bool(said)
    assert conversation.answer(engine).recommendations


def test_a_link_with_a_mark_that_a_model_does_not_know_comes_back_as_it_was(engine: Engine) -> None:
    conversation = said(WISH, engine=engine)
    conversation.taste = conversation.own = Taste((), (999_999_999,), ())
    again = Conversation(opened=from_params(to_params(conversation.link("default"))))
    again.open(engine)
    assert again.problem == ""
    assert again.answer(engine) == conversation.answer(engine)


def test_a_link_too_long_for_an_address_is_told(engine: Engine) -> None:
    conversation = said(*["space " * 300] * 8, engine=engine)
    with pytest.raises(LinkError):
        to_params(conversation.link("default"))
