"""What a session hears: its audio, voices in it, the end of a turn, and words while they are spoken."""
