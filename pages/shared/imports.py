"""Slow imports, made once. The page is drawn before they are done, and only then waits for them.

Python does not protect two threads that begin to import the same packages at once from different sides: one of them
may see a half-imported torch or transformers. Streamlit runs each visitor in a thread of its own. So every slow import
happens here, one thread at a time.
"""

import pkgutil
from importlib import import_module
from threading import RLock

import pages

LOADING = RLock()  # held while modules are imported or a model is loaded, which imports more
# What the pages, and what they call, import inside functions: about four seconds.
SLOW = (
    "recommender.query.engine",
    "recommender.models.sentence_encoder",
    "recommender.query.feedback",
    "recommender.compare.report",
    "recommender.evaluation.wishes",
    "recommender.training.estimate",
    "recommender.tuning.study",
    "recommender.tuning.storage",
    "optuna.importance",
    "huggingface_hub",
    "safetensors.torch",
    "peft",
    "transformers.modeling_layers",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
)


def import_pages() -> None:
    """Import the modules of all pages; without torch, about a second. The server does this before it serves."""
    with LOADING:
        for package in pkgutil.iter_modules(pages.__path__, "pages."):
            if package.ispkg:  # the others are scripts, which only Streamlit runs
                for module in pkgutil.iter_modules(import_module(package.name).__path__, f"{package.name}."):
                    import_module(module.name)


def import_slow() -> None:
    """Import the rest, or wait until another thread has. Call it before any import inside a function."""
    with LOADING:
        for name in SLOW:
            import_module(name)
