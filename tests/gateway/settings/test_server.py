"""What is set for the whole server cannot be set for a route."""

from gateway.settings.declaration import SERVER_GROUPS
from gateway.settings.options import options
from gateway.settings.server import ServerSettings


def test_every_setting_of_the_server_has_its_heading() -> None:
    assert {options()[key].group for key in ServerSettings.__struct_fields__} == set(SERVER_GROUPS)
