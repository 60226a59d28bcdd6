"""The head that tells opinions: its formula, padding, and what it leaves alone."""

import math
from dataclasses import replace

import pytest
import torch

from recommender.config.losses import SoftmaxSettings
from recommender.config.models import DialogueSettings, FfnSettings, FrozenText, GruSettings, OneShotSettings
from recommender.data.engagement import Engagement
from recommender.losses.objective import Objective
from recommender.losses.weighting import target_facts
from recommender.models.dialogue_items import DialogueItem
from recommender.models.movie_embedding import MovieEmbedding
from recommender.models.opinions import OpinionHead
from recommender.models.registry import make_model
from tests.contracts import EXAMPLES, MOVIES, context


def test_a_logit_is_what_the_wish_asks_of_the_movie_and_what_speaks_for_it():
    torch.manual_seed(0)
    head = OpinionHead(3, MovieEmbedding(5, 4), ["liked", "seen"])
    wish, movies = torch.randn(2, 3), torch.tensor([[1, 4], [0, -1]])
    logits = head(wish, movies)
    assert list(logits) == ["liked", "seen"]
    for place, name in enumerate(logits):
        query = (head.query.weight @ wish[0] + head.query.bias)[4 * place : 4 * place + 4]
        vector = head.movies.learned.weight[4]
        expected = query @ vector + head.bias.weight[place] @ vector + head.bias.bias[place]
        torch.testing.assert_close(logits[name][0, 1], expected)
    assert logits["seen"].shape == (2, 2)


def whole_texts(tiny_encoder, opinions):
    head, history = FfnSettings(hidden=16, dropout=0.0), GruSettings(hidden=8)
    return OneShotSettings(
        text=FrozenText(name=tiny_encoder), embedding=8, history=history, head=head, opinions=opinions
    )


def messages(tiny_encoder, opinions):
    nothing_random = dict.fromkeys(("dropout", "item_dropout", "head_dropout"), 0.0)
    text = FrozenText(name=tiny_encoder)
    return DialogueSettings(text=text, members=2, width=16, layers=1, opinions=opinions, **nothing_random)


def known(item, liked, seen):
    """The item, and for each of its rows whether the targets were liked and seen."""
    facts = [
        [Engagement(liked=one, seen=two) for one, two in zip(*row, strict=True)]
        for row in zip(liked, seen, strict=True)
    ]
    if isinstance(item, DialogueItem):
        turns = [replace(turn, engagement=own) for turn, own in zip(item.turns, facts, strict=True)]
        return replace(item, turns=turns)
    return replace(item, engagement=facts[0])


def items_of(model):
    return [
        known(item, [liked], [seen])
        for item, liked, seen in zip(
            model.items(EXAMPLES[1:3]), ([True, False], [True, False]), ([False, False], [True, False]), strict=True
        )
    ]


def losses(model, items, opinions):
    objective = Objective(SoftmaxSettings(), target_facts(items, MOVIES), opinions)
    return model.losses(model.collate(items), objective)


@pytest.mark.parametrize("config", [whole_texts, messages])
def test_opinions_stand_beside_the_targets_and_the_scores_stay_as_they_are(config, tiny_encoder):
    with_opinions = make_model(config(tiny_encoder, ("liked",)), context()).train()
    without = make_model(config(tiny_encoder, ()), context()).train()
    own = with_opinions.saved_weights()
    without.load_weights({name: own[name] for name in without.saved_weights()})
    items = items_of(without)
    found, plain = losses(with_opinions, items, ["liked"]), losses(without, items, [])
    assert set(found) == {"movie", "liked"}
    assert set(plain) == {"movie"}
    torch.testing.assert_close(found["movie"], plain["movie"])
    batch = without.collate(items)
    torch.testing.assert_close(with_opinions.eval()(batch), without.eval()(batch))


@pytest.mark.parametrize("config", [whole_texts, messages])
def test_opinions_can_be_learned(config, tiny_encoder):
    model = make_model(config(tiny_encoder, ("liked", "seen")), context()).train()
    items = items_of(model)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        found = losses(model, items, ["liked", "seen"])
        (found["liked"] + found["seen"]).backward()
        optimizer.step()
    assert found["liked"].item() + found["seen"].item() < 2 * -math.log(0.95)
