"""The recogniser ``faster-whisper``: Whisper by CTranslate2 in this process."""
