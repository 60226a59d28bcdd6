"""Speed, as ratios measured in one run. Not tests: a slow machine may run them too."""
