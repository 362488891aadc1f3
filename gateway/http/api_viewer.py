"""The page at ``/docs`` that shows the description of the API: Swagger UI from an installed package, without a CDN."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from litestar import Request, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import OpenAPIRenderPlugin

from gateway.http.static_files import StaticFile, read_files, static_file

_ASSETS = ("swagger-ui-bundle.js", "swagger-ui.css")

_START = b"""SwaggerUIBundle({
  url: new URL("openapi.json", document.currentScript.src).href,
  dom_id: "#viewer",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: API</title>
{head}
</head>
<body>
{body}
</body>
</html>
"""

_VIEWER_HEAD = '<link rel="stylesheet" href="{folder}swagger-ui.css">'
_VIEWER_BODY = """<div id="viewer"></div>
<script src="{folder}swagger-ui-bundle.js"></script>
<script src="{folder}start.js"></script>"""
_NO_VIEWER_BODY = """<h1>The API of this gateway</h1>
<p>It is described in <a href="{folder}openapi.json">openapi.json</a>.
To read and try it here, install the viewer: <code>pip install 'speech-gateway[docs]'</code>.</p>"""


class ApiViewer(OpenAPIRenderPlugin):
    """Swagger UI where the package ``swagger-ui-py`` is installed (extra ``docs``), else a link to the description."""

    def __init__(self) -> None:
        super().__init__(path="/")
        found = find_spec("swagger_ui")
        locations = () if found is None else found.submodule_search_locations or ()
        self._files: dict[str, StaticFile] = {}
        for location in locations:
            self._files = {**read_files(Path(location, "static"), _ASSETS), "start.js": static_file(_START, "start.js")}

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page around the viewer; its links are relative, so that a proxy may add a prefix."""
        head, body = (_VIEWER_HEAD, _VIEWER_BODY) if self._files else ("", _NO_VIEWER_BODY)
        page = _PAGE.replace("{head}", head).replace("{body}", body).replace("{title}", openapi_schema["info"]["title"])
        return page.replace("{folder}", "" if request.scope["raw_path"].endswith(b"/") else "docs/").encode()

    def receive_router(self, router: Router) -> None:
        """Serve the viewer's files beside the page."""
        for name, file in self._files.items():
            router.register(_file_handler(f"/{name}", file))


def _file_handler(path: str, file: StaticFile) -> HTTPRouteHandler:
    @get(path, include_in_schema=False, sync_to_thread=False)
    def viewer_file(request: Request[Any, Any, Any]) -> Response[bytes]:
        return file.response(request)

    return viewer_file
