from typer.testing import CliRunner

from agent.cli import app

RUN = CliRunner()


def run(home, *arguments):
    return RUN.invoke(app, ["--set", f"home={home}", "keys", *arguments])


def test_a_key_is_shown_once_listed_by_name_and_revoked(tmp_path):
    """The list never shows it again."""
    added = run(tmp_path, "add", "clinic")
    key = added.stdout.strip()
    assert (added.exit_code, key[:3]) == (0, "qt_")
    listed = run(tmp_path, "list").stdout
    assert "clinic" in listed
    assert key not in listed
    assert run(tmp_path, "revoke", "clinic").exit_code == 0
    assert run(tmp_path, "list").stdout == ""


def test_a_mistake_is_one_sentence_and_code_2(tmp_path):
    """A name that is not there."""
    failed = run(tmp_path, "revoke", "nobody")
    assert failed.exit_code == 2
    assert failed.stderr.strip() == "qingting: there is no key 'nobody'"
