"""The recogniser ``transformers``: a speech recognition model of Hugging Face's library in this process."""
