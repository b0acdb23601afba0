"""Fetching ChatTTS's weights: the real hub client, against a hub of nine small files."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent.voices.chattts_assets import REPOSITORY, pull
from pipeline.errors import FetchError
from pipeline.tts.chattts.assets import FILES, faults

COMMIT = "0" * 40


class Hub(ThreadingHTTPServer):
    """Answers /2Noise/ChatTTS/resolve/main/<file> as a hub does; files fetched are kept."""

    daemon_threads = True

    def __init__(self) -> None:
        self.files = {file: f"weights of {file}".encode() for file in FILES}
        self.fetched: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def hashes(self) -> dict[str, str]:
        """As ChatTTS's list would name the files."""
        return {file: hashlib.sha256(content).hexdigest() for file, content in self.files.items()}


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        file = self.path.removeprefix(f"/{REPOSITORY}/resolve/main/")
        content = self.server.files.get(file)
        self.send_response(404 if content is None else 200)
        if content is None:
            self.send_header("X-Error-Code", "EntryNotFound")
        else:
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        if body and content is not None:
            self.server.fetched.append(file)
            self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="hub")
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_all_files_arrive_verified_and_a_second_pull_asks_nobody(hub: Hub, tmp_path: Path):
    """Nothing is left beside them."""
    pull(tmp_path, hub.hashes, hub_url=hub.url)
    assert faults(tmp_path, hub.hashes) == ([], [])
    assert [path.name for path in tmp_path.iterdir()] == ["asset"]
    pull(tmp_path, hub.hashes, hub_url="http://127.0.0.1:9")
    assert sorted(hub.fetched) == sorted(FILES)


def test_only_missing_and_damaged_files_are_fetched(hub: Hub, tmp_path: Path):
    """Each is named before it comes."""
    pull(tmp_path, hub.hashes, hub_url=hub.url)
    hub.fetched.clear()
    (tmp_path / FILES[0]).write_text("half")
    (tmp_path / FILES[4]).unlink()
    named: list[str] = []
    pull(tmp_path, hub.hashes, hub_url=hub.url, report=named.append)
    assert hub.fetched == named == [FILES[0], FILES[4]]
    assert faults(tmp_path, hub.hashes) == ([], [])


def test_a_file_that_the_list_does_not_name_is_deleted(hub: Hub, tmp_path: Path):
    """What came before it stays."""
    hashes = hub.hashes
    hub.files[FILES[1]] = b"other weights"
    with pytest.raises(FetchError, match=r"DVAE\.safetensors"):
        pull(tmp_path, hashes, hub_url=hub.url)
    assert (tmp_path / FILES[0]).is_file()
    assert not (tmp_path / FILES[1]).exists()
    assert not (tmp_path / ".downloads" / FILES[1]).exists()


def test_offline_refuses_to_fetch(hub: Hub, tmp_path: Path):
    """Without asking the hub."""
    with pytest.raises(FetchError, match="offline"):
        pull(tmp_path, hub.hashes, hub_url=hub.url, offline=True)
    assert not hub.fetched


def test_a_hub_without_the_file_is_reported(hub: Hub, tmp_path: Path):
    """By name."""
    hashes = hub.hashes
    del hub.files[FILES[0]]
    with pytest.raises(FetchError, match="has no"):
        pull(tmp_path, hashes, hub_url=hub.url)


def test_a_hub_that_cannot_be_reached_is_reported(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """After the library's five tries; its half a minute between them teaches nothing."""
    hashes = hub.hashes
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda secs: None)
    with pytest.raises(FetchError, match="could not be reached"):
        pull(tmp_path, hashes, hub_url="http://127.0.0.1:9")
