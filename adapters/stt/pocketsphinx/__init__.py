"""The embedded recogniser: pocketsphinx, for English and without a download."""
