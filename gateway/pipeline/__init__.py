"""The stages of a voice turn: listening, answering, speaking, and what of the speech was played."""
