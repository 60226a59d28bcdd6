"""Why the first reproduction stood at 0.044: its mistakes put right one after the other, and each alone."""

import streamlit as st

from pages.shared.charts import draw
from pages.shared.text import plain
from recommender.charts.findings import Step, pulls, seeds, waterfall
from recommender.errors import DataError
from recommender.results.causes import alone, steps
from recommender.results.experiments import TRAINERS
from recommender.results.pulls import load_pulls
from recommender.results.records import baseline_of, results_of

METRIC, NAME = "ndcg@10", "nDCG@10"
ARCHITECTURES = {"baseline": "text", "rnn": "text + RNN"}  # of the study; with tags they share no weight
PROTOCOLS = {"notebook": "as in 2025 (`notebook`)", "paper": "roles right (`paper`)"}


def draw_causes() -> None:
    st.subheader("What held it at 0.044", anchor=False)
    try:
        found = steps(METRIC)
        _draw_waterfall(found)
        _draw_alone(found[0])
        _draw_study()
        _draw_pulls()
    except DataError as error:
        st.error(plain(str(error)), icon=":material/error:")


def _draw_waterfall(found: list[Step]) -> None:
    st.write(
        "The reproduction blamed class imbalance: five right movies among thousands of wrong ones. Here one thing "
        "after the other is put right, and each step is trained and measured anew."
    )
    last = results_of("cause-loss")
    lines = {name: baseline_of(last, name, METRIC) for name in ("popularity", "copy")}
    draw(
        lambda look: waterfall(found, lines, NAME, look),
        key="waterfall",
        alt=f"Waterfall of {NAME}. " + "; ".join(f"{step.name}: {step.value:.3f}" for step in found) + ".",
    )
    st.caption(
        f"Text and history, encoder frozen, 20 epochs, ReDial test split; the mean of {len(last)} seeds. Dashed: "
        "baselines that learn nothing from words. The last step leaves the model as it is and asks it only for movies "
        "that the wish does not name, so that nothing can be copied."
    )


def _draw_alone(start: Step) -> None:
    rows = alone(METRIC)
    st.write(
        "Each thing alone, everything else as in 2025, does next to nothing. A higher learning rate helps once the "
        "model is given the movies that it is to read:"
    )
    st.table({"changed": [row.name for row in rows], NAME: [_change(row, start) for row in rows]}, width="content")


def _change(row: Step, start: Step) -> str:
    """A change within what seeds differ by is called none."""
    apart = row.low > start.high or row.high < start.low
    return f"{row.value:.3f} ({row.value - start.value:+.3f})" if apart else f"{row.value:.3f} (no difference)"


def _draw_study() -> None:
    st.write("Every loss with the reproduction's own learning rate, a dot for each seed:")
    for (protocol, words), place in zip(PROTOCOLS.items(), st.columns(2), strict=True):
        groups = {
            f"{trainer}, {name}": [r.metrics[METRIC][0] for r in results_of(f"{protocol}-{trainer}-{architecture}")]
            for trainer in TRAINERS
            for architecture, name in ARCHITECTURES.items()
        }
        popularity = baseline_of(results_of(f"{protocol}-original-baseline"), "popularity", METRIC)
        with place:
            st.markdown(f"**{words}**")
            _draw_seeds(protocol, groups, popularity)
    st.caption("None of them leaves popularity behind by more than seeds differ: at 2e-5 the head has hardly moved.")


def _draw_seeds(protocol: str, groups: dict[str, list[float]], popularity: float) -> None:
    draw(
        lambda look: seeds(groups, {"popularity": popularity}, NAME, look),
        key=f"seeds-{protocol}",
        alt=f"{NAME} of each seed. "
        + "; ".join(f"{name}: {', '.join(f'{v:.3f}' for v in values)}" for name, values in groups.items()),
    )


def _draw_pulls() -> None:
    curves = load_pulls()
    st.write("Was the tag loss drowning the movie loss? The pull of each at the encoder, which they share:")
    draw(
        lambda look: pulls(curves, look),
        key="pulls",
        alt="Gradient norms at the encoder. "
        + "; ".join(f"{name}: from {norms[0]:.2g} to {norms[-1]:.2g}" for name, (_, norms) in curves.items()),
    )
