"""Guards: what judges the words of users and models before they go on; found by their entry points."""
