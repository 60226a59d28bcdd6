"""Commands for the experiments behind the results tables."""

import json
from pathlib import Path
from typing import Annotated

import typer

from recommender.cli.common import AsJson, app, user_errors
from recommender.settings import ROOT, settings


@app.command()
def results(
    collect: Annotated[Path | None, typer.Option(help="Record the reports of the runs in this folder first.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 if a table is stale.")] = False,
) -> None:
    """Generate the results tables of README.md and docs/results.md from the recorded measurements."""
    from recommender.results.gradient_norms import collect_gradient_norms
    from recommender.results.records import collect_results
    from recommender.results.tables import documents, put_into

    with user_errors():
        if collect is not None:
            for line in [*collect_results(collect), *collect_gradient_norms(collect)]:
                typer.echo(line, err=True)
        changed = [path for path, block in documents().items() if put_into(path, block, write=not check)]
    for path in changed:
        typer.echo(f"{'out of date' if check else 'updated'}: {path.relative_to(ROOT)}")
    if check and changed:
        raise typer.Exit(1)


@app.command()
def reproduce(
    row: Annotated[str, typer.Argument(help="An experiment, for example default, dialogue-paper, paper-softmax-rnn.")],
    seed: Annotated[int, typer.Option(help="Random seed of the training.")] = 42,
    as_json: AsJson = False,
) -> None:
    """Train and evaluate one row of the results tables again, and compare it with the recorded figures."""
    from dataclasses import asdict

    from recommender.results.experiments import find_experiment
    from recommender.results.reproduce import reproduce as run_again

    with user_errors():
        comparisons = run_again(find_experiment(row), seed, settings())
    if as_json:
        typer.echo(json.dumps([{**asdict(part), "as_expected": part.as_expected} for part in comparisons]))
    else:
        for part in comparisons:
            expected = f"expected {part.expected[0]:.4f} - {part.expected[1]:.4f}" if part.expected else "not recorded"
            typer.echo(f"{part.targets:4} {part.metric:10} {part.value:.4f}  {expected}  {part.verdict}")
    if not all(part.as_expected for part in comparisons):
        raise typer.Exit(1)
