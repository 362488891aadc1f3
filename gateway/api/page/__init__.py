"""``GET /``: the page to talk to this gateway from a browser; its files are in ``static``."""

from gateway.api.page.routes import page, page_file
from gateway.http.surface import Surface

surface = Surface(name="page", handlers=(page, page_file))
