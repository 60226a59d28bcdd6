"""Models measured on data: reports, and the validation during training."""
