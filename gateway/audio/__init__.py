"""Sound: decoding what people upload, encoding what they hear, and the sample rates between."""
