"""The way of a turn: hear, write, speak, overlapping."""
