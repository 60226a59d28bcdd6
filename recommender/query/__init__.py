"""From a typed wish to ranked movies with reasons."""
