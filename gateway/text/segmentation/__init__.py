"""Splits streamed text into sentences, clauses and phrases for synthesis; needs no knowledge of the language."""
