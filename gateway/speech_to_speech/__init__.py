"""``POST /v1/audio/speech-to-speech``: a spoken question in, a spoken answer streaming out."""
