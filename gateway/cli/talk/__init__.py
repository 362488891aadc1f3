"""``speech-to-speech talk`` and ``local``: microphone and speaker against the realtime route of a gateway."""
