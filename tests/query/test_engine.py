"""The engine on a small run: what is named or excluded is never an answer, and odd wishes are answered or refused."""

from collections.abc import Sequence

import pytest
import torch

from recommender.config import RunConfig
from recommender.data.collate import Item
from recommender.data.dialogue import Dialogue, Message
from recommender.data.examples import Example, build_examples
from recommender.data.task import load_catalog
from recommender.errors import CheckpointError, RecommenderError
from recommender.models.base import Context
from recommender.models.registry import make_model
from recommender.query.engine import Engine
from recommender.query.facets import with_refusals
from recommender.query.wish import Utterance, Wish, to_example
from recommender.ranking.ranker import Ranker
from recommender.runs.checkpoints import weights_facts
from recommender.runs.folder import Run, new_run
from recommender.settings import Settings

MODELS = {
    "attention": {"embedding": 8, "history": {"kind": "attention", "hidden": 8}, "head": {"kind": "catalogue"}},
    "gru and lora": {
        "embedding": 8,
        "history": {"kind": "gru", "hidden": 8},
        "text": {"train": "lora", "lora_rank": 2},
    },
    "popularity": {"kind": "popularity"},
    "item-knn": {"kind": "item_knn"},
}


def make_run(
    name: str, world: Settings, tiny_encoder: str, loss: str = "softmax", protocol: str = "conversational"
) -> Run:
    """A run with random weights, or counts of three examples."""
    model = dict(MODELS[name])
    if model.get("kind", "one_shot") == "one_shot":
        model["text"] = {"name": tiny_encoder, **model.get("text", {})}
    parts = {"loss": {"kind": loss}} if "text" in model else {}
    config = RunConfig.model_validate({"protocol": protocol, "model": model, **parts})
    catalog = load_catalog(world)
    table = torch.randn(12, 32, generator=torch.Generator().manual_seed(1)).half()
    built = make_model(config.model, Context(catalog, table, seed=5))
    built.fit([Item((), [11], [0, 2], [11], "a"), Item((), [0], [2], [0], "b"), Item((), [11], [5], [11], "c")])
    if loss != "softmax":
        with torch.no_grad():
            built.head[-1].bias += 1.0
    run = new_run("small", config, world)
    run.write_catalog(catalog)
    run.write_weights(built.saved_weights(), weights_facts(built, catalog))
    return run


@pytest.fixture(params=list(MODELS))
def engine(request: pytest.FixtureRequest, world: Settings, tiny_encoder: str) -> Engine:
    return Engine(make_run(request.param, world, tiny_encoder), world)


@pytest.fixture
def attentive(world: Settings, tiny_encoder: str) -> Engine:
    return Engine(make_run("attention", world, tiny_encoder), world)


def said(
    engine: Engine, *texts: str, liked: Sequence[int] = (), excluded: Sequence[int] = (), disliked: Sequence[int] = ()
) -> Wish:
    return Wish(tuple(engine.read(text)[0] for text in texts), tuple(liked), tuple(excluded), tuple(disliked))


def ids(engine: Engine, wish: Wish, k: int = 10) -> list[int]:
    return [item.movie.movie_id for item in engine.recommend(wish, k).recommendations]


def test_named_liked_and_excluded_movies_are_never_recommended(engine: Engine) -> None:
    wish = said(engine, "Something like The Cellar Door", "or Paper Crown", liked=[20], excluded=[60, 123])
    answers = ids(engine, wish, 12)
    assert set(answers) == {movie.movie_id for movie in engine.catalog} - {30, 42, 20, 60, 123}
    assert len(answers) == 7


def test_a_ranking_is_ordered_by_score_and_the_bars_start_at_one(engine: Engine) -> None:
    found = engine.recommend(said(engine, "Something like The Red Lantern"), 5).recommendations
    assert [item.rank for item in found] == [1, 2, 3, 4, 5]
    scores = [item.score for item in found]
    assert scores == sorted(scores, reverse=True)
    bars = [item.bar for item in found]
    assert bars[0] == pytest.approx(1)
    assert bars == sorted(bars, reverse=True)
    assert all(0 <= bar <= 1 for bar in bars)
    assert found[0].strength == "Top match"
    assert all(item.strength.endswith(" match") for item in found)
    assert all(1 <= len(item.reasons) <= 2 and all(item.reasons) for item in found)


def test_the_bars_are_ratios_of_what_the_loss_made_of_the_scores(world: Settings, tiny_encoder: str) -> None:
    softmax = Engine(make_run("attention", world, tiny_encoder), world)
    found = softmax.recommend(said(softmax, "scary"), 3).recommendations
    scores = torch.tensor([item.score for item in found])
    probabilities = softmax.ranker.scores([_example(softmax, "scary")])[0].softmax(0)
    expected = [float(probabilities[softmax.catalog.index(item.movie.movie_id)]) for item in found]
    assert [item.bar for item in found] == pytest.approx([value / expected[0] for value in expected], rel=1e-4)
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)


def _example(engine: Engine, text: str) -> Example:
    return to_example(said(engine, text), engine.config.protocol, engine.catalog)


def test_the_bars_of_a_binary_loss_are_ratios_of_sigmoids(world: Settings, tiny_encoder: str) -> None:
    engine = Engine(make_run("gru and lora", world, tiny_encoder, loss="bce"), world)
    found = engine.recommend(said(engine, "scary"), 4).recommendations
    chances = torch.tensor([item.score for item in found]).sigmoid()
    assert [item.bar for item in found] == pytest.approx((chances / chances[0]).tolist(), rel=1e-5)


def test_more_than_the_catalogue_gives_all_that_is_left(engine: Engine) -> None:
    answers = ids(engine, said(engine, "Like Paper Crown"), 1000)
    assert len(answers) == len(set(answers)) == 11
    assert 42 not in answers


@pytest.mark.parametrize("k", [0, -3])
def test_fewer_than_one_is_an_error(k: int, attentive: Engine) -> None:
    with pytest.raises(RecommenderError, match=f"at least 1, not {k}"):
        attentive.recommend(said(attentive, "scary"), k)


def test_when_all_is_excluded_the_answer_is_empty_and_says_why(engine: Engine) -> None:
    everything = [movie.movie_id for movie in engine.catalog]
    answer = engine.recommend(said(engine, "scary", excluded=everything), 10)
    assert answer.recommendations == []
    assert len(answer.notices) == 1
    assert "nothing is left" in answer.notices[0]


def test_an_empty_wish_is_an_error_and_a_liked_movie_is_enough(engine: Engine) -> None:
    with pytest.raises(RecommenderError, match="Write what you feel like watching"):
        engine.recommend(said(engine, "  ...  "))
    assert len(ids(engine, Wish(liked=(20,)), 3)) == 3


def test_the_same_wish_gets_the_same_answer(engine: Engine) -> None:
    wish = said(engine, "scary, like Iron Comet")
    assert engine.recommend(wish) == engine.recommend(wish)


def test_an_excluded_movie_only_leaves_a_gap(attentive: Engine) -> None:
    """It is not taken for a movie that the seeker likes: the order of the others stays."""
    before = ids(attentive, said(attentive, "scary"), 12)
    after = ids(attentive, said(attentive, "scary", excluded=[before[0]]), 12)
    assert after == before[1:]


def test_words_that_point_at_the_list_name_its_movies(attentive: Engine) -> None:
    shown = [attentive.catalog.by_id(movie_id) for movie_id in (50, 31, 42)]
    utterance, notices = attentive.read("I have seen the second one, more like number 3", shown)
    assert [(m.text, m.movie.movie_id) for m in utterance.matches] == [("the second one", 31), ("number 3", 42)]
    assert notices == []
    answers = ids(attentive, Wish((utterance,)), 12)
    assert not {31, 42} & set(answers)
    assert attentive.read("I have seen the ninth one", shown)[0].matches == ()


def test_matches_stand_in_the_order_of_the_text_and_never_overlap(attentive: Engine) -> None:
    shown = [attentive.catalog.by_id(60)]
    utterance, _ = attentive.read("Iron Comet (2011), then the first one, then Wedding Weather", shown)
    assert [m.movie.movie_id for m in utterance.matches] == [21, 60, 40]
    ends = [m.end for m in utterance.matches]
    assert all(end <= m.start for end, m in zip(ends, utterance.matches[1:], strict=False))


def test_a_text_that_was_cut_is_told(attentive: Engine) -> None:
    utterance, notices = attentive.read("funny " * 20_000)
    assert len(utterance.text) <= 2000
    assert notices == ["Only the first 2,000 characters of 120,000 were read."]
    assert len(ids(attentive, Wish((utterance,)), 3)) == 3


def test_a_typed_id_is_no_mention(attentive: Engine) -> None:
    utterance, _ = attentive.read("@30 and @1234")
    assert utterance.matches == ()
    assert {30, 1234} <= set(ids(attentive, Wish((utterance,)), 12))


def test_titles_are_looked_up_or_the_nearest_named(attentive: Engine) -> None:
    assert attentive.lookup("the cellar door").movie_id == 30
    assert attentive.lookup("Iron Comet (1982)").movie_id == 20
    with pytest.raises(RecommenderError, match=r"called 'Paper Moon Rising'.*Paper Crown \(2006\)"):
        attentive.lookup("Paper Moon Rising")


@pytest.mark.parametrize(
    ("typed", "dialogue"),
    [
        ("I loved The Red Lantern (1999), and iron comet (1982) too", "I loved @1234, and @20 too"),
        ("I loved The Red Lantern (1999), and hated iron comet (1982)", "I loved @1234, and hated @20"),
        ("I have seen The Red Lantern (1999). no horror please", "I have seen @1234. no horror please"),
    ],
)
def test_a_wish_is_ranked_as_the_report_ranks_the_same_example(typed: str, dialogue: str, attentive: Engine) -> None:
    """One road: what is read, scored and left out for a query is what is measured."""
    engine, config = attentive, attentive.config
    messages = (Message("seeker", dialogue), Message("recommender", "Then see @30"))
    examples = build_examples([Dialogue("d", messages)], config.protocol, engine.catalog)
    [example] = with_refusals(examples, engine.catalog)
    ranking = Ranker(engine.model, engine.device).rank([example], 50)[0]
    expected = [engine.catalog[int(item)].movie_id for item in ranking if item >= 0]
    assert 5 < len(expected) < 12
    assert ids(engine, said(engine, typed), 50) == expected


@pytest.mark.parametrize("protocol", ["notebook", "paper", "one_shot", "conversational"])
def test_a_model_of_any_protocol_answers(protocol: str, world: Settings, tiny_encoder: str) -> None:
    engine = Engine(make_run("attention", world, tiny_encoder, protocol=protocol), world)
    assert len(ids(engine, said(engine, "scary, like Iron Comet"), 4)) == 4


def test_a_run_without_weights_is_refused(world: Settings) -> None:
    run = new_run("empty", RunConfig(protocol="paper"), world)
    run.write_catalog(load_catalog(world))
    with pytest.raises(CheckpointError, match=r"empty/model\.safetensors"):
        Engine(run, world)


# Refusals.


def test_what_a_text_refuses_is_read(attentive: Engine) -> None:
    utterance, _ = attentive.read(
        "I liked Paper Crown but not The Cellar Door, and I have seen Iron Comet. No westerns"
    )
    assert [(m.movie.movie_id, m.stance) for m in utterance.matches] == [(42, "liked"), (30, "refused"), (20, "seen")]
    assert utterance.refused_genres == ("western",)


def test_refused_movies_and_genres_are_left_out_and_told(engine: Engine) -> None:
    wish = said(engine, "I hated Paper Crown, no horror", disliked=[50])
    answer = engine.recommend(wish, 12)
    horror = {movie.movie_id for movie in engine.catalog if "horror" in movie.genres}
    assert {r.movie.movie_id for r in answer.recommendations} == (
        {movie.movie_id for movie in engine.catalog} - horror - {42, 50}
    )
    assert answer.filters[0] == "Left out because you asked for no horror: 3 movies."
    assert answer.filters[1].startswith("Paper Crown (2006) and Silent Probe (2016) are left out")
    assert ("rank lower" in answer.filters[1]) == (engine.model.item_vectors() is not None)


def test_a_disliked_movie_pushes_its_neighbour_down_and_no_other(attentive: Engine) -> None:
    """With three near ones the third marks the edge: the two nearest lose score, all others keep it."""
    attentive.ranker.adjustments.near = 3
    plain = {r.movie.movie_id: r.score for r in attentive.recommend(said(attentive, "scary"), 12).recommendations}
    wish = said(attentive, "scary", disliked=[30])
    after = {r.movie.movie_id: r.score for r in attentive.recommend(wish, 12).recommendations}
    vectors = attentive.explainer.vectors
    assert vectors is not None
    order = (vectors @ vectors[attentive.catalog.index(30)]).argsort(descending=True).tolist()
    near = {attentive.catalog[column].movie_id for column in order[1:3]}
    lost = {movie_id for movie_id, score in after.items() if score < plain[movie_id] - 1e-6}
    assert 30 not in after
    assert lost == near


def test_a_disliked_movie_does_as_the_same_refusal_in_words(attentive: Engine) -> None:
    wish = said(attentive, "scary, not like Iron Comet")
    assert ids(attentive, wish, 12) == ids(attentive, Wish(wish.utterances, disliked=(20,)), 12)


def test_a_refused_genre_that_leaves_nothing_is_told(world: Settings, tiny_encoder: str) -> None:
    engine = Engine(make_run("popularity", world, tiny_encoder), world)
    genres = tuple({genre for movie in engine.catalog for genre in movie.genres})
    wish = Wish((Utterance("no movies at all", (), genres),), excluded=(60,))
    answer = engine.recommend(wish)
    assert answer.recommendations == []
    assert "nothing is left" in answer.notices[0]
    assert any("11 movies" in sentence for sentence in answer.filters)


def test_a_refusal_that_no_filter_covers_is_quoted(attentive: Engine) -> None:
    answer = attentive.recommend(said(attentive, "a thriller, less violent"))
    assert answer.filters == []
    assert answer.notices == ["“less violent”: the model reads these words, but no movie is left out because of them."]


def test_a_model_without_words_says_that_it_does_not_read_the_refusal(world: Settings, tiny_encoder: str) -> None:
    engine = Engine(make_run("item-knn", world, tiny_encoder), world)
    answer = engine.recommend(said(engine, "like Iron Comet, less violent"))
    assert answer.notices == ["“less violent”: this model reads no words, and no movie is left out because of them."]


@pytest.mark.parametrize("text", ["asdf qwer zxcv", "xqzt", "12345"])
def test_a_wish_that_says_nothing_is_told_what_it_gets(text: str, attentive: Engine) -> None:
    [notice] = attentive.recommend(said(attentive, text)).notices
    assert "no more than the model's guess" in notice


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("a drama from the 50s", "50s"), ("something after 2010", "2010"), ("eighties comedy", "eighties"),
        ("like Iron Comet (1982)", ""), ("nothing with Adam Sandler", "nothing with Adam Sandler"),
    ],
)  # fmt: skip
def test_years_and_people_are_said_to_be_no_filter(text: str, quoted: str, attentive: Engine) -> None:
    notices = attentive.recommend(said(attentive, text)).notices
    assert [f"“{quoted}”: the model reads" in notice for notice in notices] == ([True] if quoted else [])


@pytest.mark.parametrize("text", ["scary", "like Iron Comet", "samurai", "hello", "no horror asdf", "seen Iron Comet"])
def test_a_wish_that_says_something_is_not(text: str, attentive: Engine) -> None:
    assert attentive.recommend(said(attentive, text)).notices == []
