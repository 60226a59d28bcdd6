"""The About page without a browser, and what it says of the protocols."""

import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.about.causes import change, tag_pull
from pages.about.data import middle
from pages.about.findings import COPY, POPULARITY, measured
from pages.about.project import versions
from pages.about.protocols import DIALOGUE, MOVIES, Line, read_by
from pages.shared.text import plain
from recommender.charts.findings import Step
from recommender.config import DIALOGUE_PROTOCOLS
from recommender.data.examples import Example, build_examples, distinct_ids, in_one_text, what_was_said
from recommender.results.causes import LEAK_NAME, alone, steps
from recommender.results.gradient_norms import load_gradient_norms
from recommender.runs.folder import Run
from recommender.settings import ROOT, settings
from tests.app.page import SLOW


@pytest.fixture
def about() -> AppTest:
    return AppTest.from_file(ROOT / "pages" / "about.py", default_timeout=SLOW).run()


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption])


def examples() -> list[tuple[str, Example]]:
    return [
        (protocol, found) for protocol in DIALOGUE_PROTOCOLS for found in build_examples([DIALOGUE], protocol, MOVIES)
    ]


def answers(lines: Sequence[Line]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(movie_id for line in lines for movie_id in line.targets))


# What the page says of a protocol is what the code does.


@pytest.mark.parametrize(("protocol", "example"), examples())
def test_the_lines_called_input_are_the_text_that_the_model_reads(protocol: str, example: Example) -> None:
    inputs = [line.message for line in read_by(protocol, example) if line.part == "input"]
    said = what_was_said(protocol, inputs, lambda movie_id: MOVIES.by_id(movie_id).name)
    assert said == example.said
    assert in_one_text(protocol, said) == example.text
    assert distinct_ids(inputs) == example.mentioned


@pytest.mark.parametrize(("protocol", "example"), examples())
def test_the_movies_with_a_star_are_the_answers(protocol: str, example: Example) -> None:
    lines = read_by(protocol, example)
    assert answers(lines) == example.targets
    assert [line.message for line in lines] == list(DIALOGUE.messages)
    assert all(bool(line.targets) == (line.part == "targets") for line in lines)


def test_the_made_up_conversation_shows_what_the_protocols_differ_in() -> None:
    by_protocol = {protocol: build_examples([DIALOGUE], protocol, MOVIES) for protocol in DIALOGUE_PROTOCOLS}
    assert DIALOGUE.messages[0].role == "recommender"  # so that `notebook` swaps the roles
    assert by_protocol["paper"][0].new_targets != by_protocol["paper"][0].targets  # it leaks
    assert by_protocol["one_shot"][0].new_targets == by_protocol["one_shot"][0].targets
    assert [len(found) for found in by_protocol.values()] == [1, 1, 1, 2]


# The page.


def test_the_page_shows_the_data_the_protocols_the_findings_and_the_licences(about: AppTest) -> None:
    assert not about.exception
    assert not about.error
    assert [title.value for title in about.title] == ["About Reelwish"]
    assert [header.value for header in about.header] == [
        "The data", "Five protocols", "What went wrong before", "Licences and versions"
    ]  # fmt: skip
    assert {metric.label: metric.value for metric in about.metric} == {
        "Conversations": "11,347", "Messages": "206,101", "Movies": "6,924", "Mentions": "72,997"
    }  # fmt: skip
    assert "292 of the 6,924 movies get half of all mentions" in texts(about)
    assert f"streamlit {version('streamlit')}" in texts(about)
    assert "GroupLens" in about.expander[0].text[0].value


def test_every_picture_says_what_it_shows(about: AppTest) -> None:
    charts = about.get("plotly_chart")
    assert len(charts) == 10
    described = [chart.proto.alt for chart in charts]
    assert all(len(words) > 40 for words in described)
    assert len(set(described)) == 10


def test_another_protocol_shows_another_question(about: AppTest) -> None:
    assert [radio.label for radio in about.radio] == ["Protocol", "This conversation gives 2 examples"]
    about.radio[0].set_value("paper").run()
    assert [radio.label for radio in about.radio] == ["Protocol"]
    assert about.code[0].value == "Something tense in space. I loved @ and @. [SEP] " \
        "I have seen @, it was fun. Is there anything darker? [SEP] @ it is, thank you!"  # fmt: skip
    assert "1,034 of the targets (22%) are in the input" in texts(about)
    badges = [
        message.markdown[0].value.split("badge[")[1].split("]")[0].split(": ")[1] for message in about.chat_message
    ]
    assert badges == ["ignored", "input", "targets", "input", "targets", "input"]


def test_what_a_person_watched_is_shown_as_the_code_asks_of_it(about: AppTest) -> None:
    about.radio[0].set_value("next_movie").run()
    assert not about.exception
    assert [radio.label for radio in about.radio] == ["Protocol"]
    assert about.code[0].value == "Gravity (2013)"
    told = ", ".join(map(plain, ("Alien (1979)", "Event Horizon (1997)", "Gravity (2013)")))
    assert f"Mentioned movies: {told}." in texts(about)
    assert f"Targets: {plain('The Martian (2015)')}." in texts(about)


def test_an_earlier_turn_leaves_more_to_come(about: AppTest) -> None:
    about.radio[1].set_value(1).run()
    first = [message.markdown[0].value for message in about.chat_message]
    assert [("not said yet" in text) for text in first] == [False, False, False, True, True, True]
    assert ":orange-badge[:material/star: The Martian" in first[2]


def test_without_the_counts_the_rest_of_the_page_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RECOMMENDER_ASSETS_DIR", str(tmp_path))
    settings.cache_clear()
    about = AppTest.from_file(ROOT / "pages" / "about.py", default_timeout=SLOW).run()
    assert not about.exception
    assert "prepare" in about.error[0].value
    assert len(about.header) == 3
    assert len(about.chat_message) == len(DIALOGUE.messages)


def test_the_page_is_drawn_without_torch() -> None:
    script = (
        "import sys\nfrom streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('pages/about.py', default_timeout=60).run()\n"
        "assert len(app.header) == 4\n"
        "print({'torch', 'transformers', 'datasets'} & sys.modules.keys())"
    )
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


# The figures.


def test_a_change_within_what_seeds_differ_by_is_none() -> None:
    start = Step("as it was", (0.04, 0.06), 0.044)
    assert change(Step("a", (0.055, 0.075), 0.044), start) == "0.065 (within seed range)"
    assert change(Step("b", (0.07, 0.13), 0.044), start) == "0.100 (+0.050)"
    assert change(Step("c", (0.021, 0.039), 0.044), start) == "0.030 (-0.020)"


def test_how_hard_the_tag_loss_pulls_beside_the_movie_loss() -> None:
    movie, tag = np.array([1.0, 9.0, 9.0, 4.0]), np.array([2.0, 0.0, 0.0, 1.0])
    assert tag_pull(movie, tag) == (2.0, 0.25)


def test_the_sentences_on_the_causes_are_true() -> None:
    found = steps("ndcg@10")
    gains = {after.name: after.value - before.value for before, after in pairwise(found)}
    assert max(gains, key=gains.__getitem__) == "learning rate 1e-3"
    assert gains[LEAK_NAME] < -found[-2].value / 3
    [weighted] = [row for row in alone("ndcg@10") if row.name == "weighted loss"]
    assert change(weighted, found[0]).endswith("(within seed range)")


def test_the_sentence_on_the_gradient_norms_is_true() -> None:
    curves = load_gradient_norms()
    assert max(tag_pull(curves["movie loss", "alpha 1"][1], curves["tag loss", "alpha 1"][1])) < 2
    rows = Run(ROOT / "checkpoints" / "original-tags-frozen").metrics()
    assert 1 < max(row["tag_loss"] / row["movie_loss"] for row in rows if "tag_loss" in row) < 3


@pytest.mark.parametrize(
    ("counts", "median"), [({4: 1}, 4), ({1: 1, 2: 1, 9: 1}, 2), ({1: 2, 5: 2}, 1), ({1: 1, 5: 2}, 5)]
)
def test_the_middle_of_a_histogram(counts: dict[int, int], median: int) -> None:
    assert middle(counts) == median


def test_the_chart_holds_the_published_figures_beside_what_learns_nothing() -> None:
    shown = {(row.protocol, row.system): (row.value, row.trained) for row in measured()}
    assert shown[("notebook", "reproduction, lowest")] == (0.0440, True)
    assert shown[("notebook", "reproduction, best")] == (0.0571, True)
    assert shown[("paper", "paper, best")] == (0.169, True)
    assert shown[("notebook", "popularity")] == (POPULARITY, False)
    assert shown[("paper", "copy")] == (COPY["paper"], False)


def test_versions_are_those_installed() -> None:
    found = versions()
    assert found["torch"] == version("torch")
    assert found["Python"] == ".".join(map(str, sys.version_info[:3]))
