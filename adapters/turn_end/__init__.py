"""Models that hear whether somebody has finished speaking."""
