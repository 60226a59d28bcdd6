"""What the tests of the losses share: padded targets, fixed scores, and losses for a catalogue of seven movies."""

import torch
from hypothesis import strategies as st

from recommender.config.losses import LOSSES
from recommender.data.collate import Item
from recommender.losses.ranking import make_loss
from recommender.losses.weighting import target_facts

MOVIES = 7
ROWS = st.lists(st.lists(st.integers(0, MOVIES - 1), max_size=5, unique=True), min_size=1, max_size=4)


def pad(lists, extra=0):
    width = max(map(len, lists)) + extra
    padded = [list(row) + [-1] * (width - len(row)) for row in lists]
    return torch.tensor(padded, dtype=torch.int64).view(len(lists), width)


def random_scores(rows, seed=0):
    return torch.randn(rows, MOVIES, generator=torch.Generator().manual_seed(seed)) * 3


def facts_of(targets, movies=MOVIES, engagement=None):
    known = engagement or [()] * len(targets)
    items = [Item(targets=row, engagement=facts) for row, facts in zip(targets, known, strict=True)]
    return target_facts(items, movies)


def make(kind, **fields):
    """For training data of two targets an input."""
    return make_loss(LOSSES[kind](**fields), facts_of([[0, 1], [1, 2]]))


def seeded(loss, *inputs):
    """A loss that draws negatives draws the same ones each time."""
    torch.manual_seed(0)
    return loss(*inputs)
