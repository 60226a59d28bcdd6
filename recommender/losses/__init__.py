"""What a model is trained to make small, and how much each target counts in it."""
