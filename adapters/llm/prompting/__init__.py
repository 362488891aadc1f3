"""From a request to the tokens that a local model is given."""
