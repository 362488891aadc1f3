"""The guard ``moderations``: any server with OpenAI's ``/v1/moderations``."""
