"""Who may use the gateway, how much of it, and what was used."""
