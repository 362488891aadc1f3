"""Who may use the gateway, checked before it serves: keys that can work, and no gateway that anybody could use."""

from gateway.access.keys import check_keys
from gateway.access.loopback import is_loopback
from gateway.app import SURFACES
from gateway.settings.model import Loaded, SettingsError


def check_access(loaded: Loaded) -> None:
    """Raise ``BadOption`` for keys that cannot work, ``SettingsError`` for a gateway that anybody could use."""
    check_keys(loaded.keys, [route.name for route in loaded.routes], [surface.name for surface in SURFACES])
    host = loaded.settings.host
    if not loaded.keys and not is_loopback(host) and not loaded.settings.allow_anonymous:
        raise SettingsError(
            f"--host {host} can be reached from other machines and there are no keys: set --api_keys or [[keys]], or "
            "name the hosts that clients may use without a key with --allow_anonymous."
        )
