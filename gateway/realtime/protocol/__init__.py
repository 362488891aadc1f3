"""The words of the Realtime API on the wire: events, items, responses and configurations, as OpenAI has them."""
