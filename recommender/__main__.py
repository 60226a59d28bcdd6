"""The command line. Results go to standard output, logs to standard error."""

import sys

INTERRUPTED = 130  # the exit code of a shell for Ctrl-C

try:
    from recommender.cli import movies, results, training, tuning, wishes
    from recommender.cli.common import app
except KeyboardInterrupt:  # the imports take a moment, too
    sys.exit(INTERRUPTED)

__all__ = ["app", "main", "movies", "results", "training", "tuning", "wishes"]


def main() -> None:
    """The console script `reelwish`."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
