"""The dialog that explains a recommendation: the parts of its score, and which words mattered."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.charts import draw
from pages.shared.text import plain
from recommender.charts.ranking import score_bar, shares, word_bars
from recommender.errors import RecommenderError

if TYPE_CHECKING:
    from recommender.query.attribution import Contribution
    from recommender.query.engine import Engine, Recommendation
    from recommender.query.wish import Wish

MAX_WORDS = 8


def explain(wish: "Wish", engine: "Engine", item: "Recommendation") -> None:
    @st.dialog(plain(f"Why {item.movie.name}?"))
    def dialog() -> None:
        if item.reasons:
            st.write(plain(". ".join(item.reasons) + "."))
        try:
            with st.spinner("Analysing the score…"):
                parts = engine.contributions(wish, [item.movie.movie_id])[0]
            draw_parts(parts)
            draw_words(wish, engine, item)
        except RecommenderError as error:
            st.error(plain(str(error)), icon=":material/error:")

    dialog()


def draw_parts(parts: "Contribution") -> None:
    named = {
        "Your words": parts.words,
        "Movies you named": parts.movies,
        "General popularity": parts.popularity,
    }
    if parts.refusals:  # a refused genre is left out before anything is ranked
        named["What you ruled out"] = parts.refusals
    sentences = shares(named)
    st.markdown("**Parts of the score**")
    draw(lambda look: score_bar(named, look), "score-parts", " ".join(sentences.values()))
    st.markdown("\n".join(f"- {plain(sentence)}" for sentence in sentences.values()))
    st.caption(
        "Relative to the average movie. Popularity is the score for an empty wish. Words and movies: what each adds, "
        "averaged over both orders (Shapley values). What you ruled out is applied last. Percentages are of the sum of "
        "all contributions, positive and negative."
    )


def draw_words(wish: "Wish", engine: "Engine", item: "Recommendation") -> None:
    if not wish.utterances:
        return
    if not st.button("Which words mattered most?", icon=":material/manage_search:", key="words"):
        return
    with st.spinner("Ranking again without each word…"):
        weights = engine.word_weights(wish, item.movie.movie_id)
    words = strongest([(weight.word, weight.change) for weight in weights])
    if not words:
        st.write("No single word changes this movie's score.")
        return
    alt = f"The word “{words[0][0]}” changes the score most, by {words[0][1]:+.2f}."
    draw(lambda look: word_bars(words, look), "word-weights", alt)
    st.caption("How much the movie's score drops without the word. Negative: it rises.")


def strongest(words: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """The words that change the score most, largest change first. Repeated words are numbered."""
    written = [word.lower() for word, _ in words]
    named = [
        (f"{word} ({written[:place].count(word.lower()) + 1})" if written.count(word.lower()) > 1 else word, change)
        for place, (word, change) in enumerate(words)
        if round(change, 2)
    ]
    return sorted(named, key=lambda pair: -abs(pair[1]))[:MAX_WORDS]
