"""From a request in neutral words to a running turn: no wire format is known here."""
