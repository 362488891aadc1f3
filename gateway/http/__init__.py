"""What every HTTP surface shares: errors, streaming, request bodies, models, health, the description of the API."""
