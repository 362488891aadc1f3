"""The certificate with which the gateway speaks HTTPS."""

import ssl
from pathlib import Path

from gateway.settings.model import GatewaySettings, SettingsError


def tls_context(settings: GatewaySettings) -> ssl.SSLContext | None:
    """What to encrypt connections with, ``None`` when no certificate is set.

    TLS 1.2 and later, as RFC 9325 asks for. Raises ``SettingsError`` when the files cannot be used.
    """
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        given, missing = ("tls_key", "tls_certificate") if certificate is None else ("tls_certificate", "tls_key")
        raise SettingsError(f"--{given} is set without --{missing}; HTTPS needs both files.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_certificate(context, certificate, key)
    return context


def load_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Have new connections of ``context`` use these PEM files. Raises ``SettingsError`` when they cannot be used."""
    for option, path in (("tls_certificate", certificate), ("tls_key", key)):
        try:
            with Path(path).open("rb"):
                pass
        except OSError as error:
            raise SettingsError(f"--{option} {path} cannot be read ({error.strerror}).") from None
    try:
        # An empty password: an encrypted key is refused instead of asked about on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        reason = (error.reason or "unknown error").lower().replace("_", " ")
        raise SettingsError(
            f"--tls_certificate {certificate} and --tls_key {key} cannot be used ({reason}); give a certificate with "
            "its chain and its unencrypted key, both in PEM format."
        ) from None
