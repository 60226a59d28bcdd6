"""What the seeker of a dialogue refuses is read as in a typed wish, and what is to be found stays the same."""

from types import SimpleNamespace

import pytest

from recommender.data.catalog import Catalog
from recommender.data.dialogue import Dialogue, Message
from recommender.data.examples import Example, build_examples
from recommender.query.facets import read_as_wishes, with_refusals


def last_turn(
    catalog: Catalog, *messages: tuple[str, str], protocol: str = "conversational"
) -> tuple[Example, Example]:
    """The last example of a dialogue, as built and as read."""
    said = tuple(Message("seeker" if who == "s" else "recommender", text) for who, text in messages)
    built = build_examples([Dialogue("d", said)], protocol, catalog)
    return built[-1], with_refusals(built, catalog)[-1]


@pytest.mark.parametrize("protocol", ["conversational", "one_shot", "paper"])
def test_what_the_seeker_says_of_movies_and_genres_is_read(protocol: str, small_catalog: Catalog) -> None:
    text = "I loved @1234, hated @20, and I have seen @42. No horror please"
    built, read = last_turn(small_catalog, ("s", text), ("r", "Then @60"), protocol=protocol)
    assert (read.mentioned, read.seen, read.refused, read.refused_genres) == ((1234,), (42,), (20,), ("horror",))
    assert read.said[0].mentioned == (1234,)
    assert read.text == built.text


@pytest.mark.parametrize(
    ("protocol", "refused"), [("conversational", (20,)), ("one_shot", (20,)), ("paper", ()), ("notebook", ())]
)
def test_the_protocols_of_other_papers_are_measured_as_they_did(
    protocol: str, refused: tuple[int, ...], small_catalog: Catalog
) -> None:
    said = (Message("seeker", "I hated @20"), Message("recommender", "Then @60"))
    built = build_examples([Dialogue("d", said)], protocol, small_catalog)
    task = SimpleNamespace(protocol=protocol, catalog=small_catalog)
    assert read_as_wishes(built, task)[-1].refused == refused  # type: ignore[arg-type]


def test_the_recommender_s_words_refuse_nothing_and_take_nothing_back(small_catalog: Catalog) -> None:
    _, read = last_turn(
        small_catalog,
        ("r", "I hate @1234 and @20, no horror"),
        ("s", "I did not like @20"),
        ("r", "But @20 is great, and so is @60"),
        ("s", "ok"),
        ("r", "see @42"),
    )
    assert (read.mentioned, read.refused, read.refused_genres) == ((1234, 60), (20,), ())


def test_a_later_word_counts(small_catalog: Catalog) -> None:
    messages = (("s", "no horror, not @20"), ("r", "What then?"), ("s", "well, something scary like @20"), ("r", "@42"))
    _, read = last_turn(small_catalog, *messages)
    assert (read.mentioned, read.refused, read.refused_genres) == ((20,), (), ())


def test_the_targets_that_count_as_new_stay_the_same(small_catalog: Catalog) -> None:
    built, read = last_turn(small_catalog, ("s", "I hated @20 and have seen @42"), ("r", "@20, @42 or @60"))
    assert built.new_targets == read.new_targets == (60,)
    assert set(built.named) == set(read.named)


def test_an_id_outside_the_catalogue_is_read_and_left_out(small_catalog: Catalog) -> None:
    _, read = last_turn(small_catalog, ("s", "not @999999 or @20"), ("r", "@60"))
    assert read.refused == (20,)


def test_words_of_a_title_refuse_nothing(small_catalog: Catalog) -> None:
    said = (Message("seeker", "I liked @5555"), Message("recommender", "@60"))
    dialogue = Dialogue("d", said, names={5555: "No Horror Movies (1999)"})
    [built] = build_examples([dialogue], "conversational", small_catalog)
    assert "No Horror" in built.text
    assert with_refusals([built], small_catalog) == [built]
