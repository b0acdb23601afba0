"""Finding the model that training starts from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from pipeline.errors import FetchError, ModelMissingError
from train.base import locate


class Hub:
    """Stands in for the hub, which no test reaches; remembers what it was asked."""

    def __init__(self, folder: Path, *, answers: bool = True) -> None:
        self.folder, self.answers = folder, answers
        self.asked: list[dict[str, Any]] = []

    def snapshot_download(self, name: str, **options: Any) -> str:
        self.asked.append({"name": name, **options})
        if not self.answers:
            raise ConnectionError("nobody there")
        return str(self.folder)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    return hub


@pytest.mark.parametrize("mirror", [None, "https://mirror.example"])
def test_a_name_is_fetched_from_the_hub_or_its_mirror(hub: Hub, mirror: str | None):
    """`models.hub_url` holds for the base of a training as for every other model."""
    base = locate("owner/name", hub_url=mirror)
    assert (base.name, base.folder, base.gguf) == ("owner/name", hub.folder, None)
    assert hub.asked[0]["endpoint"] == mirror
    assert hub.asked[0]["local_files_only"] is False


def test_offline_takes_only_what_is_here(hub: Hub):
    """And says how to change that."""
    hub.answers = False
    with pytest.raises(FetchError, match=r"privacy\.offline"):
        locate("owner/name", offline=True)
    assert hub.asked[0]["local_files_only"] is True


def test_a_hub_out_of_reach_is_one_sentence(hub: Hub):
    """Whatever its library raises."""
    hub.answers = False
    with pytest.raises(ModelMissingError, match="owner/name cannot be fetched"):
        locate("owner/name")


@pytest.mark.parametrize("spec", ["nowhere.gguf", "a/b/c", "no such"])
def test_what_is_neither_file_nor_folder_nor_name_is_refused(hub: Hub, spec: str):
    """Without asking the hub."""
    with pytest.raises(ModelMissingError, match="neither a file, nor a folder"):
        locate(spec)
    assert hub.asked == []


def test_a_folder_without_a_configuration_is_no_model(tmp_path: Path):
    """The sentence names what is missing."""
    with pytest.raises(ModelMissingError, match=r"config\.json"):
        locate(str(tmp_path))
