"""Parts of the Recommend page."""
