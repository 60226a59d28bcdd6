"""The command line. Results go to standard output, logs to standard error."""

from recommender.cli import movies, results, training, tuning, wishes
from recommender.cli.common import app

__all__ = ["app", "movies", "results", "training", "tuning", "wishes"]

if __name__ == "__main__":
    app()
