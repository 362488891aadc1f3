"""Text on its way to speech: cut into utterances and cleaned of what nobody would read aloud."""
