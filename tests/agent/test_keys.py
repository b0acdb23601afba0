import stat

import pytest

from agent.keys import KEY_PREFIX, KeyRing
from pipeline.errors import ConfigError


@pytest.fixture
def ring(tmp_path):
    return KeyRing(tmp_path / "home" / "keys.toml")


def test_several_keys_each_with_its_owner(ring):
    """The key itself is nowhere on the disk, and only the owner may read what is."""
    clinic, bot = ring.add("clinic"), ring.add("chat-bot")
    assert clinic.startswith(KEY_PREFIX)
    assert (ring.owner(clinic), ring.owner(bot), ring.owner(clinic + "x")) == (
        "clinic",
        "chat-bot",
        None,
    )
    file = ring._file
    assert clinic not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_revoked_key_is_refused_at_once_by_another_process_too(ring):
    """The file is read again when it has changed."""
    key = ring.add("clinic")
    server = KeyRing(ring._file)
    assert server.owner(key) == "clinic"
    ring.revoke("clinic")
    assert server.owner(key) is None


@pytest.mark.parametrize("given", ["", "qt_", "x" * 10_000, "\udcff", "钥匙"])
def test_what_is_no_key_has_no_owner(ring, given):
    """Nothing a client sends is an error here."""
    ring.add("clinic")
    assert ring.owner(given) is None


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 65, "a]\n[keys.b"])
def test_a_name_is_a_name(ring, name):
    """It becomes a table of a TOML file."""
    with pytest.raises(ConfigError, match="not a name"):
        ring.add(name)


def test_mistakes_have_sentences(ring):
    """A name taken, a name unknown, a file that is none."""
    ring.add("clinic")
    with pytest.raises(ConfigError, match="already"):
        ring.add("clinic")
    with pytest.raises(ConfigError, match="no key"):
        ring.revoke("nobody")
    for text in ("[", "keys = 3", "[keys.a]\nsha256 = 3\ncreated_at = 2026-01-01"):
        ring._file.write_text(text)
        with pytest.raises(ConfigError):
            KeyRing(ring._file).entries()
