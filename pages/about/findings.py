"""What was wrong with the earlier figures, and what they look like beside methods that learn nothing."""

import streamlit as st

from pages.shared.charts import draw
from recommender.charts.data import Score, scores
from recommender.compare.published import published_for
from recommender.config import Protocol

METRIC = "ndcg@10"
# Measured on the ReDial test split; a test marked `data` measures them again.
POPULARITY = 0.0440  # under `notebook`
COPY: dict[Protocol, float] = {"notebook": 0.233, "paper": 0.221}  # latest first

FINDINGS = (
    ("The first model had learned popularity.", "Its 0.044 is what a fixed list of the most named movies scores."),
    (
        "Roles were swapped.",
        "Whoever wrote first was taken for the seeker. That is wrong in two conversations of three.",
    ),
    (
        "Answers stood in the question.",
        "People say “I have seen it” after a movie is recommended, and the whole conversation was the input. A fifth "
        "of the answers can be read off; copying the movies already named beats both the paper and the reproduction.",
    ),
    (
        "Two numberings were taken for one.",
        "MovieLens ids were joined with ReDial ids. 2,523 numbers occur in both; not one means the same movie.",
    ),
    (
        "The learning rate was too low.",
        "2e-5 suits an encoder. The layers above it need more, as the picture further down shows.",
    ),
    ("Movie names were lost.", "The model read an “@” in place of each title."),
    ("The history was empty in use.", "The part that reads the named movies was given nothing when a wish was asked."),
    (
        "The best epoch was picked on the test split.",
        "So the figure is partly luck. Here the choice is made on training conversations set aside for it.",
    ),
)


def draw_findings() -> None:
    st.header("What went wrong before", anchor=False)
    st.write(
        "The project started from a paper (Nguyen, 2024) and a first reproduction of it (2025) that stayed far below. "
        "Looking for the reason turned up more than one."
    )
    st.markdown("\n".join(f"- **{what}** {why}" for what, why in FINDINGS))
    st.markdown("**nDCG@10: copying beats both**")
    rows = measured()
    draw(
        lambda look: scores(rows, "nDCG@10", look),
        key="scores",
        alt="Bar chart of nDCG@10 under two protocols. "
        + "; ".join(f"{row.protocol}, {row.system}: {row.value:.3f}" for row in rows),
    )
    st.caption(
        "Popularity always shows the most named movies. Copy repeats the movies of the input, the latest first. "
        "nDCG@10 is 1 when the answers stand at the top of ten and 0 when none is among them. The two protocols ask "
        "different questions: compare bars within one only. The paper was measured on a part of the training split, "
        "the others on the test split."
    )


def measured() -> list[Score]:
    """The earlier figures, each protocol with what scores without learning anything."""
    reproduced = [row.values[METRIC] for row in published_for("notebook")]
    paper = [row.values[METRIC] for row in published_for("paper")]
    return [
        Score("popularity", "notebook", POPULARITY, trained=False),
        Score("copy", "notebook", COPY["notebook"], trained=False),
        Score("reproduction, lowest", "notebook", min(reproduced), trained=True),
        Score("reproduction, best", "notebook", max(reproduced), trained=True),
        Score("copy", "paper", COPY["paper"], trained=False),
        Score("paper, best", "paper", max(paper), trained=True),
    ]
