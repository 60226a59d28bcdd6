"""Comparison of runs: entries, tests, tables, figures and the HTML report."""
