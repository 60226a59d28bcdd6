"""Counts and charts of ReDial."""

from collections.abc import Mapping

import streamlit as st

from pages.shared.charts import draw
from recommender.charts import data as charts
from recommender.data.facts import Facts

PUBLISHED_TRAIN = 10_006  # training dialogues of ReDial as published
LONG, MANY, TOP = 40, 10, 10  # from here on the lengths share a bar, and the movies; genres shown


def draw_data(facts: Facts) -> None:
    st.header("The data", anchor=False)
    st.markdown(
        "[ReDial](https://redialdata.github.io/website/) contains conversations between two people: the seeker looks "
        "for a movie, the recommender suggests some."
    )
    draw_counts(facts)
    left, right = st.columns(2, gap="medium")
    with left:
        draw_lengths(facts)
    with right:
        draw_named(facts)
    draw_tail(facts)
    left, right = st.columns(2, gap="medium")
    with left:
        draw_genres(facts)
    with right:
        draw_decades(facts)
    st.caption(
        f"Counted over all {facts.test:,} test conversations and the {facts.train:,} training conversations this "
        f"project was built with, of {PUBLISHED_TRAIN:,} published. A mention is one movie in one message."
    )


def draw_counts(facts: Facts) -> None:
    counts = {
        "Conversations": facts.dialogues,
        "Messages": facts.messages,
        "Movies": facts.movies,
        "Mentions": facts.mentions,
    }
    with st.container(horizontal=True, gap="large"):
        for label, count in counts.items():
            st.metric(label, f"{count:,}", width="content")


def middle(counts: Mapping[int, int]) -> int:
    """The median of a histogram."""
    half, seen = sum(counts.values()) / 2, 0
    for value, count in sorted(counts.items()):
        seen += count
        if seen >= half:
            return value
    raise ValueError("nothing was counted")


def draw_lengths(facts: Facts) -> None:
    typical = middle(facts.lengths)
    st.markdown(f"**About {typical} messages each**")
    draw(
        lambda look: charts.histogram(facts.lengths, LONG, "messages", look),
        key="dialogue-lengths",
        alt=f"Bar chart: conversations by their number of messages. The median is {typical}, the longest has "
        f"{max(facts.lengths)}.",
    )


def draw_named(facts: Facts) -> None:
    typical = middle(facts.movies_named)
    st.markdown(f"**About {typical} movies each**")
    draw(
        lambda look: charts.histogram(facts.movies_named, MANY, "movies", look),
        key="movies-named",
        alt=f"Bar chart: conversations by the number of movies they name. The median is {typical}.",
    )


def draw_tail(facts: Facts) -> None:
    half = charts.movies_for(facts.popularity, 0.5)
    st.markdown(f"**{half:,} of the {facts.movies:,} movies get half of all mentions**")
    draw(
        lambda look: charts.long_tail(facts.popularity, look),
        key="long-tail",
        alt=f"Curve: the share of all mentions by movies, the most named first. {half:,} movies hold half of it, "
        f"{charts.movies_for(facts.popularity, 0.9):,} hold nine tenths.",
    )
    st.caption(
        f"{facts.popularity.get(1, 0):,} movies are named once and {facts.popularity.get(0, 0):,} never. So a "
        "fixed list of famous movies already finds some targets: every model has to beat that list."
    )


def draw_genres(facts: Facts) -> None:
    top = dict(list(facts.genres.items())[:TOP])
    first, second = list(top)[:2]
    st.markdown(f"**{first.capitalize()} and {second} come up most**")
    draw(
        lambda look: charts.genres(top, facts.mentions, look),
        key="genres",
        alt="Bar chart: share of all mentions by genre. "
        + ", ".join(f"{name} {group.mentions / facts.mentions:.0%}" for name, group in top.items()),
    )
    st.caption("A movie counts for each of its genres.")


def draw_decades(facts: Facts) -> None:
    latest = list(facts.decades)[-1]
    st.markdown("**People talk about recent movies**")
    draw(
        lambda look: charts.decades(facts.decades, look),
        key="decades",
        alt=f"Bar chart: share of the movies and share of the mentions by decade. The {latest}s are "
        f"{share(facts, latest, 'movies'):.0%} of the movies and {share(facts, latest, 'mentions'):.0%} of the "
        "mentions.",
    )


def share(facts: Facts, decade: int, kind: str) -> float:
    counts = {name: getattr(group, kind) for name, group in facts.decades.items()}
    return counts[decade] / sum(counts.values())
