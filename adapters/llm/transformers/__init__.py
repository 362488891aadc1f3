"""The backend ``transformers``: a language model of Hugging Face's library in this process, shared by all sessions."""
