"""Metrics over rankings, and the report of a run."""
