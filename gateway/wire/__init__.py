"""What two or more surfaces write alike: wire types and their translation, both ways."""
