"""The smallest surface there can be: what a new folder of ``gateway/api`` must have."""

from gateway.http.surface import Surface
from tests.support.tiny_surface.routes import count_words
from tests.support.tiny_surface.schema import Usage

surface = Surface(name="words", handlers=(count_words,), wire_types=(Usage,))
