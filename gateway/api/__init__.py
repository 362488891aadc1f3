"""The surfaces: one folder each, which translates between its wire format and the engines' terms."""
