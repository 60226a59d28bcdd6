"""Raw data to dialogues, examples and batches."""
