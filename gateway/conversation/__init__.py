"""What was said so far, and in which language."""
