"""Text front end of speech synthesis: sentence segmentation and text normalization."""
