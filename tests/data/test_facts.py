"""What ReDial is made of: small cases by hand, and the shipped file against the data."""

from pathlib import Path

import pytest

from recommender.data.catalog import Catalog
from recommender.data.dialogue import Dialogue, DialogueSet, Message
from recommender.data.facts import FACTS_FILE, Facts, Group, Questions, build_facts
from recommender.data.redial import load_dialogues
from recommender.data.source import Source
from recommender.errors import DataError
from recommender.settings import ROOT, Settings

ASSETS = ROOT / "recommender" / "assets"


@pytest.fixture
def facts(dialogue: Dialogue, small_catalog: Catalog) -> Facts:
    """The dialogue of six messages for training; one of two messages, in which the seeker begins, for the test."""
    short = Dialogue("d2", (Message("seeker", "Like @20?"), Message("recommender", "@41, or @20")))
    return build_facts(DialogueSet(Source.FOLDER, "", [dialogue], [short]), small_catalog)


def test_dialogues_and_messages_are_counted(facts: Facts) -> None:
    assert (facts.train, facts.test, facts.dialogues, facts.messages) == (1, 1, 2, 8)
    assert facts.lengths == {2: 1, 6: 1}
    assert facts.recommender_first == 1


def test_mentions_are_of_movies_in_the_catalogue_once_a_message(facts: Facts) -> None:
    """1234, 20 and 30, 20 (999 is in no catalogue), 40 and 20; then 20, 41 and 20."""
    assert facts.mentions == 9
    assert facts.movies_named == {2: 1, 4: 1}
    assert facts.popularity == {0: 7, 1: 4, 5: 1}
    assert facts.movies == 12


def test_genres_stand_in_the_order_of_their_mentions(facts: Facts) -> None:
    assert list(facts.genres)[:4] == ["action", "sci-fi", "comedy", "romance"]
    assert facts.genres["sci-fi"] == Group(movies=3, mentions=5)
    assert facts.genres["comedy"] == Group(movies=3, mentions=2)


def test_decades_stand_in_order_and_leave_out_movies_without_a_year(facts: Facts) -> None:
    assert list(facts.decades) == [1980, 1990, 2000, 2010]
    assert facts.decades[1980] == Group(movies=2, mentions=6)
    assert sum(group.movies for group in facts.decades.values()) == 11


def test_questions_are_of_the_test_split(facts: Facts) -> None:
    assert facts.questions["paper"] == Questions(examples=1, answers=2, in_input=1)
    assert facts.questions["one_shot"] == Questions(examples=1, answers=1, in_input=0)
    assert facts.questions["conversational"] == Questions(examples=1, answers=2, in_input=1)
    assert facts.questions["notebook"] == Questions(examples=1, answers=2, in_input=1)


def test_facts_come_back_as_they_were_saved(facts: Facts, tmp_path: Path) -> None:
    facts.save(tmp_path / FACTS_FILE)
    assert Facts.load(tmp_path / FACTS_FILE) == facts


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"train": "many"}'])
def test_a_damaged_file_is_an_error_that_names_it(content: str, tmp_path: Path) -> None:
    (tmp_path / FACTS_FILE).write_text(content)
    with pytest.raises(DataError, match=r"redial_facts\.json is damaged.*prepare"):
        Facts.load(tmp_path / FACTS_FILE)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"redial_facts\.json: No such file.*prepare"):
        Facts.load(tmp_path / FACTS_FILE)


def test_the_shipped_facts_agree_with_themselves_and_the_catalogue(shipped_catalog: Catalog) -> None:
    shipped = Facts.load(ASSETS / FACTS_FILE)
    assert shipped.movies == len(shipped_catalog)
    assert sum(shipped.lengths.values()) == sum(shipped.movies_named.values()) == shipped.dialogues
    assert sum(length * count for length, count in shipped.lengths.items()) == shipped.messages
    assert sum(mentions * count for mentions, count in shipped.popularity.items()) == shipped.mentions


@pytest.mark.data
def test_the_shipped_facts_are_what_the_folder_gives(data_dir: Path, shipped_catalog: Catalog) -> None:
    dialogues = load_dialogues("folder", Settings(data_dir=data_dir), None)
    assert build_facts(dialogues, shipped_catalog) == Facts.load(ASSETS / FACTS_FILE)
