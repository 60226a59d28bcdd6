"""What was wrong with the earlier figures, and how they compare with methods that learn nothing."""

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
    ("The first model had only learned popularity.", "A fixed list of the most named movies scores its 0.044."),
    (
        "Roles were swapped.",
        "Whoever wrote first was taken for the seeker, which is wrong in two of three conversations.",
    ),
    (
        "Targets were part of the input.",
        "People say “I have seen it” after a movie is recommended, and the whole conversation was the input. A fifth "
        "of the targets is in it; copying the movies already named beats both the paper and the reproduction.",
    ),
    (
        "Ids of two data sets were mixed up.",
        "MovieLens ids were joined with ReDial ids. 2,523 ids occur in both; none means the same movie.",
    ),
    (
        "The learning rate was too low.",
        "2e-5 suits an encoder. The layers above it need more, as the chart below shows.",
    ),
    ("Movie titles were lost.", "The model read “@” in place of each title."),
    ("The history was empty in use.", "The part that reads the named movies got no input when a wish was typed."),
    (
        "The best epoch was chosen on the test split.",
        "So the figure is partly luck. Here the epoch is chosen on held-out training conversations.",
    ),
)


def draw_findings() -> None:
    st.header("What went wrong before", anchor=False)
    st.write(
        "The project started from a paper (Nguyen, 2024) and a first reproduction (2025) that scored far lower. There "
        "was more than one reason."
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
        "nDCG@10 is 1 when the targets are at the top of the ten and 0 when none is among them. Compare bars within "
        "one protocol only. The paper was measured on part of the training split, the others on the test split."
    )


def measured() -> list[Score]:
    """The earlier figures, and baselines under the same protocols."""
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
