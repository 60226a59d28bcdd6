"""A wish becomes a ranking over a catalogue of movies."""
