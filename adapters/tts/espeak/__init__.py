"""The embedded synthesiser: espeak-ng, robotic but fast, in about a hundred languages and without a download."""
