"""What was said so far: as a value, in a store, within a model's context."""
