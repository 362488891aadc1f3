"""The synthesiser ``transformers``: VITS and MMS-TTS models, in this process."""
