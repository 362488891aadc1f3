"""What a turn took and what it cost."""
