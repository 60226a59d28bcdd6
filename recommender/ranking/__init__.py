"""A model's scores -> the ranking that is served and measured."""
