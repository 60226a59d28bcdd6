"""The parts of the page Recommend."""
