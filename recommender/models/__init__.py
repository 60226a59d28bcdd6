"""The contract every model meets, and the models."""
