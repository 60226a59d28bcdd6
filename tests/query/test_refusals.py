"""Stances: what a message says of the movies it names, and which genres it does not want. Clause by clause."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.catalog import Catalog, Movie
from recommender.query.cues import GENRE_WORDS, GENRES, GENRES_GO_ON, SCAN, TITLES_GO_ON
from recommender.query.refusals import Understood, understand, with_stances
from recommender.query.titles import Match

ANY = Movie(1, "Any")


def read(text: str) -> Understood:
    """Reads a text in which capital X, Y and Z are titles."""
    return understand(text, [(i, i + 1) for i, c in enumerate(text) if c in "XYZ"])


@pytest.mark.parametrize(
    ("phrase", "kind"),
    [
        ("It was great.", "praised"), ("Loved it!", "praised"), ("not bad", "praised"),
        ("it's not my thing", "not_mine"), ("sucked", "not_mine"),
        ("It was boring", "panned"), ("did not like it", "panned"),
        ("I have seen", "seen_before"), ("Seen them already", "seen_before"),
        ("I like", "liked"), ("not only", "liked"), ("can't get enough of", "liked"), ("something", "liked"),
        ("I have seen Jaws", "seen"), ("we just watched Jaws", "seen"),
        ("have never seen", "open"), ("not sure", "open"), ("No, ", "open"),
        ("not a fan of", "not_into"), ("not in the mood for", "not_into"),
        ("less", "degree"), ("not too", "degree"), ("nothing so", "degree"),
        ("but not", "but_not"), ("except for", "exception"), ("apart from", "exception"), ("non-horror", "non"),
        ("no films", "refused"), ("without", "refused"), ("don't recommend", "refused"), ("anything but", "refused"),
        ("tired of", "refused"), ("it isn't", "statement"), ("that was not", "statement"), ("didn't", "statement"),
    ],
)  # fmt: skip
def test_each_kind_of_phrase_is_told_from_the_others(phrase: str, kind: str) -> None:
    kinds = [found.lastgroup for found in SCAN.finditer(phrase)]
    assert [found for found in kinds if found not in ("word", "end", "comma", "stop")] == [kind]


@pytest.mark.parametrize(
    ("text", "stances"),
    [
        ("not like X", "refused"),
        ("something like X, not like Y", "liked refused"),
        ("I hated X", "refused"),
        ("I didn't like X", "refused"),
        ("i didnt like X", "refused"),
        ("I did not really care for X", "refused"),
        ("I don’t like X or Y", "refused refused"),
        ("anything but X", "refused"),
        ("nothing like X", "refused"),
        ("everything except X", "refused"),
        ("no X please", "refused"),
        ("don't recommend X, Y and Z again", "refused refused refused"),
        ("I don't want to watch anything like X, give me Y", "refused liked"),
        ("I'm not a big fan of X", "refused"),
        ("I'm tired of X", "refused"),
        ("I can't stand X", "refused"),
        ("less like X, more like Y", "refused liked"),
        ("a Richard Gere film that is NOT X or Y", "refused refused"),
    ],
)
def test_a_refusal_holds_for_the_movies_after_it(text: str, stances: str) -> None:
    assert read(text).stances == tuple(stances.split())


@pytest.mark.parametrize(
    ("text", "stances"),
    [
        ("I liked X but not Y", "liked refused"),
        ("X, but I hated Y", "liked refused"),
        ("I saw X, it's not my thing. I loved Y", "refused liked"),
        ("I hated X but loved Y", "refused liked"),
        ("I hated X, I loved Y", "refused liked"),
        ("not X, something like Y", "refused liked"),
        ("no horror, X please", "liked"),
        ("No not X. Y is great", "refused liked"),
        ("I don't like Hugh Grant so nothing like X. I liked Y", "refused liked"),
    ],
)
def test_each_clause_speaks_for_itself(text: str, stances: str) -> None:
    assert read(text).stances == tuple(stances.split())


@pytest.mark.parametrize(
    ("text", "stances"),
    [
        ("X was boring", "refused"),
        ("X and Y were terrible", "refused refused"),
        ("I loved X and Y was boring", "liked refused"),
        ("X isn't my style. Y", "refused liked"),
        ("X was not very good", "refused"),
        ("I saw X and didn't like it", "refused"),
        ("I saw X, I disliked it", "refused"),
        ("X did nothing for me", "refused"),
        ("I loved Y. X not so much", "liked refused"),
        ("X was not bad", "liked"),
        ("X was great", "liked"),
        ("I have seen X and Y and hated both", "refused refused"),
        ("I know it is not a comedy but I like X", "liked"),
    ],
)
def test_a_verdict_holds_for_the_movies_before_it(text: str, stances: str) -> None:
    assert read(text).stances == tuple(stances.split())


@pytest.mark.parametrize(
    "text",
    [
        "I can't get enough of X",
        "can't wait for X",
        "I'm never tired of X",
        "I don't mind X",
        "not only X",
        "not just X",
        "nothing beats X",
        "I haven't seen X",
        "I havent seen X yet",
        "never saw X",
        "I have not had the chance to see X",
        "have you seen X?",
        "I don't know X",
        "No, X",
        "it's not like X",
    ],
)
def test_not_every_negation_refuses(text: str) -> None:
    assert read(text).stances == ("liked",)


@pytest.mark.parametrize(
    ("text", "stances"),
    [
        ("I have seen X", "seen"),
        ("already watched X and Y", "seen seen"),
        ("I've seen X, so something like Y please", "seen liked"),
        ("I've seen X and I loved Y", "seen liked"),
        ("I saw X but not Y", "seen liked"),
        ("I've seen all his movies except X", "liked"),
        ("I have seen X and loved it", "liked"),
        ("I've seen X, it was great", "liked"),
        ("I've seen X, it was ok", "seen"),
        ("X, which I have seen", "seen"),
        ("something like X, which I have seen", "liked"),
        ("I loved X, I've seen it twice", "liked"),
        ("anything except X, which I enjoyed", "seen"),
        ("Seen X", "seen"),
    ],
)
def test_seen_is_neither_liked_nor_refused(text: str, stances: str) -> None:
    assert read(text).stances == tuple(stances.split())


@pytest.mark.parametrize(
    ("text", "genres"),
    [
        ("no horror", "horror"),
        ("no more horror please", "horror"),
        ("not a horror movie", "horror"),
        ("without romance", "romance"),
        ("nothing scary", "horror"),
        ("I don't like musicals", "musical"),
        ("no war movies or westerns", "war western"),
        ("no war, horror or romance", "war horror romance"),
        ("hate horror", "horror"),
        ("I'm not really into sci-fi", "sci-fi"),
        ("not too big on science fiction", "sci-fi"),
        ("anything but rom-coms", "romance"),
        ("I don't like romantic comedies", "romance"),
        ("non-animated movies for kids", "animation"),
        ("any non-romantic drama", "romance"),
        ("something that is not animated", "animation"),
        ("as long as it isn't horror", "horror"),
        ("Musicals are not my thing", "musical"),
        ("no kids movies", "family"),
        ("a comedy, no horror", "horror"),
        ("no horror, comedy please", "horror"),
        ("no horror, funny and romantic please", "horror"),
        ("I hate horror, war and romance", "horror war romance"),
        ("no horror, war, romance", "horror war romance"),
        ("I hated X, romantic please", ""),
        ("no horror, X please", "horror"),
        ("no horror, something funny", "horror"),
        ("kein Horror", "horror"),
    ],
)
def test_genres_are_refused(text: str, genres: str) -> None:
    assert read(text).refused_genres == tuple(genres.split())


@pytest.mark.parametrize(
    "text",
    [
        "horror",
        "not just horror",
        "not only horror but also war",
        "less violent",
        "less romance",
        "not too scary",
        "No, I like westerns",
        "it doesn't have to be animated",
        "it is not a comedy",
        "I have no family",
        "not a bad comedy",
        "I don't mind horror",
        "nothing but horror",
        "I haven't seen many westerns",
        "if you're not into scifi",
        "Good horror but not religious horror",
    ],
)
def test_genres_are_not_refused(text: str) -> None:
    assert read(text).refused_genres == ()


@pytest.mark.parametrize(
    ("text", "genres"),
    [
        ("a funny horror one, but no war", "comedy horror"),
        ("Horror, please!", "horror"),
        ("something scary", "horror"),
        ("a romcom", "comedy romance"),
        ("not just horror", "horror"),
        ("I'm never tired of comedies", "comedy"),
        ("no horror", ""),
        ("not too scary", ""),
        ("it is not a comedy", ""),
        ("I love space movies", ""),
        ("I like horror, but no horror today", ""),
    ],
)
def test_genres_are_asked_for(text: str, genres: str) -> None:
    assert read(text).asked_genres == tuple(genres.split())


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("a thriller, less violent", ["less violent"]),
        ("nothing too gory", ["nothing too gory"]),
        ("no subtitles please, and without gore", ["no subtitles", "without gore"]),
        ("horror but not religious horror", ["but not religious horror"]),
        ("no horror, nothing like X", []),
        ("I haven't seen it, and I don't know", []),
        ("No, thanks", []),
    ],
)
def test_a_refusal_that_was_not_understood_is_quoted(text: str, quotes: list[str]) -> None:
    assert list(read(text).unresolved) == quotes


def test_the_matches_get_their_stance(small_catalog: Catalog) -> None:
    comet = Match(8, 18, "Iron Comet", small_catalog.by_id(20), 0.9, (small_catalog.by_id(21),))
    [found], genres = with_stances("I hated Iron Comet, no horror", [comet])
    assert (found.stance, found.movie, found.alternatives, genres) == (
        "refused", comet.movie, comet.alternatives, ("horror",)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "stances", "refused", "asked"),
    [
        ("horror? no thanks. Comedy? yes", "", "horror", "comedy"),
        ("horror or war movies? No, thanks", "", "horror war", ""),
        ("X? nope. Y? sure", "refused liked", "", ""),
        ("scary? no way! romance", "", "horror", "romance"),
        ("horror? no comedy please", "", "comedy", "horror"),
        ("something like X? No, not too long", "liked", "", ""),
        ("have you seen X? no", "liked", "", ""),
    ],
)
def test_a_question_of_a_word_is_answered_by_the_no_after_it(text: str, stances: str, refused: str, asked: str) -> None:
    found = read(text)
    assert found.stances == tuple(stances.split())
    assert (found.refused_genres, found.asked_genres) == (tuple(refused.split()), tuple(asked.split()))


@pytest.mark.parametrize(
    ("text", "stances", "refused", "asked"),
    [
        ("I don't like horror movies except for X", "liked", "horror", ""),
        ("I don't like horror movies, except X", "liked", "horror", ""),
        ("no horror apart from X", "liked", "horror", ""),
        ("I hated Y, other than that, not Z with the exception of X", "refused refused liked", "", ""),
        ("I don't like anything except for X", "liked", "", ""),
        ("no gore except X", "liked", "", ""),
        ("no movies except horror", "", "", "horror"),
        ("no horror please, anything except X", "refused", "horror", ""),
        ("I don't like horror. Everything except X", "refused", "horror", ""),
        ("I like comedies, except X", "refused", "", "comedy"),
        ("something other than X", "refused", "", ""),
        ("I've seen everything apart from X", "liked", "", ""),
    ],
)
def test_an_exception_to_a_refusal_is_wanted_and_one_to_a_wish_refused(
    text: str, stances: str, refused: str, asked: str
) -> None:
    found = read(text)
    assert found.stances == tuple(stances.split())
    assert (found.refused_genres, found.asked_genres) == (tuple(refused.split()), tuple(asked.split()))


def test_every_genre_word_is_a_genre_of_the_shipped_catalogue(shipped_catalog: Catalog) -> None:
    assert {genre for movie in shipped_catalog for genre in movie.genres} == set(GENRES)
    assert {genre for genres in GENRE_WORDS.values() for genre in genres} == set(GENRES)


@pytest.mark.parametrize("pattern", [SCAN, TITLES_GO_ON, GENRES_GO_ON], ids=["scan", "titles", "genres"])
def test_no_phrase_has_a_part_that_may_repeat_without_end(pattern: re.Pattern[str]) -> None:
    """Or a text of "i have i have i have" takes time by the square of its length: minutes for a hundred thousand."""
    assert re.findall(r".{,20}\)(?:[*+]|\{\d+,\})", pattern.pattern) == []


def test_a_text_of_nothing_but_titles_is_read() -> None:
    assert read("hated " + "X, " * 20_000).stances == ("refused",) * 20_000


words = st.lists(
    st.sampled_from(
        "no not but nothing like I haven't seen hated X Y , . ? except and or too horror funny sci-fi less without "
        "was boring \u017fci-fi Kids' it".split()
    )
).map(" ".join)


@given(words | st.text())
def test_any_text_is_read_and_every_movie_gets_a_stance(text: str) -> None:
    found = read(text)
    assert len(found.stances) == sum(c in "XYZ" for c in text)
    assert set(found.refused_genres) <= set(GENRES)
    assert not set(found.refused_genres) & set(found.asked_genres)
    assert all(quote in text for quote in found.unresolved)
