"""The head that tells opinions: its formula, padding, and what it leaves alone."""

import math

import pytest
import torch

from recommender.config import DialogueConfig, HeadConfig, HistoryConfig, ModelConfig, TextConfig
from recommender.data.collate import Answer, Item, Spoken, collate
from recommender.models.movie_embedding import MovieEmbedding
from recommender.models.opinions import OpinionHead
from recommender.models.registry import make_model

MOVIES = 12
TEXT = torch.randn(MOVIES, 32, generator=torch.Generator().manual_seed(5))


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
    text, history = TextConfig(name=tiny_encoder), HistoryConfig(kind="gru", embedding=8, hidden=8)
    return ModelConfig(text=text, history=history, head=HeadConfig(hidden=16, dropout=0.0), opinions=opinions)


def messages(tiny_encoder, opinions):
    dialogue = DialogueConfig(members=2, width=16, layers=1, dropout=0.0, forgotten=0.0)
    text, head = TextConfig(name=tiny_encoder), HeadConfig(dropout=0.0)
    return ModelConfig(kind="dialogue", text=text, dialogue=dialogue, head=head, opinions=opinions)


def batch_for(model):
    if model.reads_messages:
        said = [Spoken([101, 2005, 102], [3]), Spoken([101, 2006, 102], [], 1)]
        answers = [Answer(1, [4, 5]), Answer(2, [6], by_recommender=False)]
        return collate([Item([], messages=said, answers=answers)])
    return collate([Item([101, 2005, 102], [3], [4, 5]), Item([101, 2006, 102], [], [6])])


@pytest.mark.parametrize("config", [whole_texts, messages])
def test_opinions_stand_beside_the_targets_and_the_scores_stay_as_they_are(config, tiny_encoder):
    with_opinions = make_model(config(tiny_encoder, ("liked",)), MOVIES, TEXT, seed=3)
    without = make_model(config(tiny_encoder, ()), MOVIES, TEXT, seed=3)
    own = with_opinions.saved_weights()
    without.load_weights({name: own[name] for name in without.saved_weights()})
    batch = batch_for(without)
    outputs = with_opinions.train().outputs(batch)
    assert {name: logits.shape for name, logits in outputs.opinions.items()} == {"liked": (2, 2)}
    torch.testing.assert_close(outputs.scores, without.train()(batch))
    assert without.outputs(batch).opinions == {}
    torch.testing.assert_close(with_opinions.eval()(batch), without.eval()(batch))


@pytest.mark.parametrize("config", [whole_texts, messages])
def test_opinions_can_be_learned(config, tiny_encoder):
    model = make_model(config(tiny_encoder, ("liked", "seen")), MOVIES, TEXT, seed=3).train()
    batch = batch_for(model)
    wanted = {"liked": torch.tensor([[1.0, 0.0], [1.0, 0.0]]), "seen": torch.tensor([[0.0, 0.0], [1.0, 0.0]])}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        found = model.outputs(batch).opinions
        losses = [
            torch.nn.functional.binary_cross_entropy_with_logits(found[name][batch["targets"] >= 0], right)
            for name, labels in wanted.items()
            for right in [labels[batch["targets"] >= 0]]
        ]
        torch.stack(losses).sum().backward()
        optimizer.step()
    assert sum(loss.item() for loss in losses) < 2 * -math.log(0.95)
