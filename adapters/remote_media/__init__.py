"""Images and other media that a request names by URL: fetched from where that is allowed, within bounds."""

from adapters.remote_media.media import RemoteMedia
from adapters.remote_media.options import FROM_PUBLIC, RemoteMediaHosts

__all__ = ["FROM_PUBLIC", "RemoteMedia", "RemoteMediaHosts"]
