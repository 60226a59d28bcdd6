"""Loss functions, the movies that they compare a target with, and how much each target and task counts."""
