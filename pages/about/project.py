"""Licences, and the installed versions."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import streamlit as st

from recommender.runs.version import current_commit
from recommender.settings import ROOT

LICENCES = (
    ("The code", "MIT", "Yours to use and change."),
    (
        "[ReDial](https://redialdata.github.io/website/)",
        "CC BY 4.0",
        "Li et al., 2018. No dialogue is included.",
    ),
    ("Movie facts", "MIT", "Genres. Plots were used for the movies' text vectors and are not included."),
    (
        "[MovieLens](https://grouplens.org/datasets/movielens/)",
        "GroupLens terms",
        "Harper and Konstan, 2015. Research only; commercial use needs their permission.",
    ),
    (
        "[all-MiniLM-L6-v2](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2)",
        "Apache 2.0",
        "The text encoder of the included models.",
    ),
)
PACKAGES = (
    "torch", "transformers", "sentence-transformers", "scikit-learn", "scipy", "streamlit", "plotly", "numpy", "pandas",
    "pydantic", "rapidfuzz", "sqlalchemy",
)  # fmt: skip


def draw_project() -> None:
    st.header("Licences and versions", anchor=False)
    st.markdown("\n".join(f"- **{what}**: {terms}. {note}" for what, terms, note in LICENCES))
    with st.expander("The full notice"):
        st.text((ROOT / "NOTICE").read_text(encoding="utf-8"))
    st.caption(" · ".join(f"{name} {number}" for name, number in versions().items()))


@cache
def versions() -> dict[str, str]:
    """Read from the packages' records: importing them would take seconds."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    commit = current_commit()
    return found | ({"commit": commit} if commit else {})
