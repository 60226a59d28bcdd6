"""The command-line application, options shared by its commands, and error handling."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from recommender.errors import RecommenderError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Movie recommendations from free text. Results go to standard output, logs to standard error.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
RunId = Annotated[str, typer.Option("--run", help="Id of a run: a folder below checkpoints/.")]


@contextmanager
def user_errors() -> Iterator[None]:
    """Errors the user can fix become one line on standard error and exit code 2."""
    try:
        yield
    except RecommenderError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    except OSError as error:
        typer.echo(f"error: {error.filename2 or error.filename or 'a file'}: {error.strerror or error}", err=True)
        raise typer.Exit(2) from error


@app.callback()
def _logging(context: typer.Context) -> None:
    plain = "%(message)s" if sys.stderr.isatty() else "%(asctime)s %(message)s"  # a log file wants the time
    logging.basicConfig(level=logging.INFO, format=plain, stream=sys.stderr)
    for noisy in ("httpx", "filelock", "datasets"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if context.invoked_subcommand in (
        "prepare",
        "estimate",
        "evaluate",
        "recommend",
        "add-movie",
        "new-movies",
        "reproduce",
    ):
        quiet_transformers()


def quiet_transformers() -> None:
    """It takes a second to import, which a run that waits for its turn does not need."""
    import transformers

    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
