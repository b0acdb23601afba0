"""The server's TLS files, looked at before they are needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.certificate import check_certificate
from agent.config import ServerSettings
from pipeline.errors import ConfigError
from tests.certificate import write_certificate


def served(certificate: Path, key: Path) -> ServerSettings:
    return ServerSettings(tls_certificate_file=certificate, tls_key_file=key)


def test_a_pair_that_belongs_together_passes(tmp_path: Path):
    """And so do settings without one."""
    check_certificate(ServerSettings())
    check_certificate(served(*write_certificate(tmp_path)))


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    """Whichever of the two it is."""
    certificate, key = write_certificate(tmp_path)
    absent = tmp_path / "absent.pem"
    for pair in ((absent, key), (certificate, absent)):
        with pytest.raises(ConfigError, match=r"absent\.pem cannot be read: No such file"):
            check_certificate(served(*pair))


def test_a_key_of_another_certificate_is_refused(tmp_path: Path):
    """As is a file that is neither."""
    certificate, key = write_certificate(tmp_path / "one")
    _, other = write_certificate(tmp_path / "other")
    for pair in ((certificate, other), (key, key)):
        with pytest.raises(ConfigError, match="are not a certificate chain and its private key"):
            check_certificate(served(*pair))


def test_a_locked_key_is_refused_instead_of_asked_for(tmp_path: Path):
    """A server has nobody to ask for a passphrase."""
    pair = write_certificate(tmp_path, passphrase=b"secret")
    with pytest.raises(ConfigError, match=r"key\.pem is locked with a passphrase"):
        check_certificate(served(*pair))
