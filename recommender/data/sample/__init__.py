"""A seeded simulator in place of real data."""
