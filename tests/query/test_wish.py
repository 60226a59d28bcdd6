"""What is typed: cleaned and cut, with words that point at the screen, and never read as an id it does not name."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.config import DIALOGUE_PROTOCOLS, Protocol
from recommender.data.catalog import Catalog, Movie
from recommender.data.dialogue import Dialogue, Message
from recommender.data.examples import Stance, build_examples
from recommender.errors import RecommenderError
from recommender.query.facets import Facets
from recommender.query.titles import Match
from recommender.query.wish import Utterance, Wish, check_wish, clean_wish, facets_of, references, to_example

SHOWN = [Movie(number, f"Movie {number}") for number in range(1, 6)]


def match(text: str, words: str, movie: Movie) -> Match:
    start = text.index(words)
    return Match(start, start + len(words), words, movie, 1.0, ())


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("  two\n\nlines \t here ", "two lines here"),
        ("nul\x00 bell\x07 esc\x1b[31m", "nul bell esc [31m"),
        ("zero\u200bwidth \u202eturned", "zero width turned"),
        ("half \ud800 a pair", "half a pair"),
        ("", ""),
        ("\x00\u200b", ""),
        ("Amélie & <b>Léon</b>", "Amélie & <b>Léon</b>"),
    ],
)
def test_control_characters_and_white_space_are_folded(typed: str, read: str) -> None:
    assert clean_wish(typed, 2000) == (read, [])


def test_a_very_long_text_is_cut_and_the_user_is_told() -> None:
    text, notices = clean_wish("funny " * 16_667, 2000)
    assert len(text) == 2000
    assert notices == ["Only the first 2,000 characters of 100,002 were read."]


@pytest.mark.parametrize(("length", "told"), [(10, False), (11, True)])
def test_the_limit_itself_is_not_cut(length: int, told: bool) -> None:
    text, notices = clean_wish("x" * length, 10)
    assert text == "x" * 10
    assert bool(notices) is told


def test_a_wish_in_another_script_gets_a_hint() -> None:
    assert clean_wish("посоветуй комедию", 100)[1] == [
        "The models learned from English dialogues; a wish in English works best."
    ]
    assert clean_wish("like Amélie, très drôle", 100)[1] == []
    assert clean_wish("12 345 !!", 100)[1] == []


@given(st.text(), st.integers(1, 20))
def test_a_cleaned_wish_is_printable_short_and_stays_as_it_is(typed: str, limit: int) -> None:
    text, _ = clean_wish(typed, limit)
    assert len(text) <= limit
    assert not [c for c in text if ord(c) < 32 or c == "\x7f"]
    assert clean_wish(text, limit)[0] == text.strip()


def pointed(text: str, shown: list[Movie] = SHOWN) -> list[tuple[str, int]]:
    return [(found.text, found.movie.movie_id) for found in references(text, shown)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I have seen the second one", [("the second one", 2)]),
        ("The First movie and the last one", [("The First movie", 1), ("the last one", 5)]),
        ("number 3 please", [("number 3", 3)]),
        ("Number 4, no. 5", [("Number 4", 4), ("no. 5", 5)]),
        ("I liked #2", [("#2", 2)]),
        ("#1", [("#1", 1)]),
    ],
)
def test_words_can_point_at_the_list_on_the_screen(text: str, found: list[tuple[str, int]]) -> None:
    assert pointed(text) == found
    assert [text[m.start : m.end] for m in references(text, SHOWN)] == [words for words, _ in found]


@pytest.mark.parametrize(
    "text",
    [
        "the sixth one",
        "number 6",
        "number 99",
        "number 0",
        "# 0",
        "number 123",
        "the second world war",
        "a second one",
        "",
    ],
)
def test_what_points_at_nothing_is_ignored(text: str) -> None:
    assert pointed(text) == []


@pytest.mark.parametrize("text", ["the second one", "the last one", "number 1", "number 0"])
def test_without_a_list_nothing_is_pointed_at(text: str) -> None:
    assert pointed(text, []) == []


def test_a_negation_before_a_number_is_no_reference() -> None:
    assert pointed("I have no 2 hours to spare") == []


def test_a_typed_wish_is_the_example_the_dialogue_would_give(small_catalog: Catalog) -> None:
    """The same road: "I loved The Red Lantern" is read as ReDial's "I loved @1234"."""
    typed = "I loved the red lantern, nothing scary"
    wish = Wish((Utterance(typed, (match(typed, "the red lantern", small_catalog.by_id(1234)),)),))
    said = (Message("seeker", "I loved @1234, nothing scary"), Message("recommender", "@20"))
    for protocol in DIALOGUE_PROTOCOLS:
        [expected] = build_examples([Dialogue("wish", said)], protocol, small_catalog)
        example = to_example(wish, protocol, small_catalog)
        assert (example.text, example.mentioned) == (expected.text, expected.mentioned)
        assert example.targets == ()


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        ("notebook", "I like @, @ [SEP] scary [SEP] but not gory"),
        ("next_movie", "I like Iron Comet (1982), Lost Footage, scary, but not gory"),
        ("one_shot", "I like Iron Comet (1982), Lost Footage [SEP] scary [SEP] but not gory"),
        ("conversational", "Seeker: I like Iron Comet (1982), Lost Footage Seeker: scary Seeker: but not gory"),
    ],
)
def test_liked_movies_come_first_and_turns_in_order(protocol: Protocol, text: str, small_catalog: Catalog) -> None:
    wish = Wish((Utterance("scary"), Utterance("but not gory")), liked=(20, 51), excluded=(30,))
    example = to_example(wish, protocol, small_catalog)
    assert (example.text, example.mentioned) == (text, (20, 51))


@pytest.mark.parametrize("text", ["@20 is great", "see @20@30", "@@20", "mail me@20"])
def test_an_at_sign_before_a_number_is_no_id(text: str, small_catalog: Catalog) -> None:
    example = to_example(Wish((Utterance(text),)), "conversational", small_catalog)
    assert example.mentioned == ()
    assert "Iron Comet" not in example.text


def test_digits_that_touch_a_title_do_not_change_which_movie_it_is(small_catalog: Catalog) -> None:
    typed = "Iron Comet (1982)30 times"
    wish = Wish((Utterance(typed, (match(typed, "Iron Comet (1982)", small_catalog.by_id(20)),)),))
    assert to_example(wish, "conversational", small_catalog).mentioned == (20,)


@given(st.text(alphabet="@0123456789 ab", max_size=20))
def test_no_typed_text_alone_mentions_a_movie(text: str) -> None:
    catalog = Catalog([Movie(number, f"Movie {number}") for number in range(100)])
    assert to_example(Wish((Utterance(text),)), "paper", catalog).mentioned == ()


@pytest.mark.parametrize("text", ["", "?!", "...", "\U0001f3ac"])
def test_a_wish_with_neither_words_nor_movies_is_an_error(text: str) -> None:
    with pytest.raises(RecommenderError, match="Write what you feel like watching"):
        check_wish(Wish((Utterance(text),)))
    check_wish(Wish((Utterance(text),), liked=(20,)))
    check_wish(Wish((Utterance(text), Utterance("ok"))))


def said(text: str, *movies: Movie, stance: Stance = "liked", genres: tuple[str, ...] = ()) -> Utterance:
    """A message whose matches are the names of these movies."""
    found = tuple(replace(match(text, movie.title, movie), stance=stance) for movie in movies)
    return Utterance(text, found, genres)


@pytest.mark.parametrize(("stance", "mentioned"), [("liked", (30,)), ("seen", ()), ("refused", ())])
def test_only_liked_movies_are_mentioned_and_all_titles_stay_words(
    stance: Stance, mentioned: tuple[int, ...], small_catalog: Catalog
) -> None:
    door = small_catalog.by_id(30)
    example = to_example(Wish((said("see The Cellar Door", door, stance=stance),)), "conversational", small_catalog)
    assert example.mentioned == mentioned
    assert example.text == "Seeker: see The Cellar Door (1995)"


def test_a_movie_that_is_asked_for_counts_although_it_was_put_aside_before(small_catalog: Catalog) -> None:
    door, comet = small_catalog.by_id(30), small_catalog.by_id(20)
    wish = Wish((said("The Cellar Door and Iron Comet", door, comet),), disliked=(30, 40))
    assert to_example(wish, "conversational", small_catalog).mentioned == (30, 20)
    assert (facets_of(wish).liked, facets_of(wish).refused) == ((30, 20), (40,))


def test_the_later_word_on_a_movie_counts(small_catalog: Catalog) -> None:
    door = small_catalog.by_id(30)
    liked, refused = said("The Cellar Door", door), said("not The Cellar Door", door, stance="refused")
    assert facets_of(Wish((liked, refused))).refused == (30,)
    assert facets_of(Wish((refused, liked))).liked == (30,)
    assert facets_of(Wish((refused,), liked=(30,))).liked == (30,)
    assert facets_of(Wish((liked,), excluded=(30, 20))) == Facets((30,), (20,))


def test_the_later_word_on_a_genre_counts() -> None:
    no_horror, scary = said("no horror or war", genres=("horror", "war")), said("ok, something scary")
    assert facets_of(Wish((no_horror, scary))).refused_genres == ("war",)
    assert facets_of(Wish((no_horror, scary))).asked_genres == ("horror",)
    assert facets_of(Wish((scary, no_horror))).refused_genres == ("horror", "war")
    assert facets_of(Wish((scary, no_horror))).asked_genres == ()


def test_a_refused_genre_can_be_taken_back_by_the_user() -> None:
    facets = facets_of(Wish((said("no horror", genres=()),)))
    assert (facets.refused_genres, facets.asked_genres) == ((), ())


def test_refusals_that_were_not_understood_are_collected_once() -> None:
    assert facets_of(Wish((said("less violent"), said("no subtitles, less violent")))).unresolved == (
        "less violent",
        "no subtitles",
    )
