"""Runs side by side: what each one brings, what may be set against what, and the report that can be taken along."""
