"""The command ``speech-to-speech``: each subcommand in a file of its own."""
