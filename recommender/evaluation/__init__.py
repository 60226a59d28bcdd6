"""Metrics of rankings, their intervals and tests, and the records that runs are compared by."""
