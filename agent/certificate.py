"""Can the server's TLS files be used?"""

from __future__ import annotations

import ssl

from agent.config import ServerSettings
from pipeline.errors import ConfigError


def check_certificate(server: ServerSettings) -> None:
    """Load the certificate chain and its key, if the settings name them, and let go of them.

    Raises:
        ConfigError: They cannot be read, do not belong together, or the key wants a passphrase,
            for which a server has nobody to ask.
    """
    certificate, key = server.tls_certificate_file, server.tls_key_file
    if certificate is None or key is None:
        return
    for path in (certificate, key):
        try:
            path.open("rb").close()  # names the file, which the error of `load_cert_chain` does not
        except OSError as error:
            raise ConfigError(f"the TLS file {path} cannot be read: {error.strerror}") from error

    def refuse() -> str:
        raise ConfigError(
            f"{key} is locked with a passphrase; server.tls_key_file wants an open key"
        )

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, refuse)
    except ssl.SSLError as error:
        raise ConfigError(
            f"{certificate} and {key} are not a certificate chain and its private key, both PEM "
            f"({error.reason or 'unreadable'})"
        ) from error
