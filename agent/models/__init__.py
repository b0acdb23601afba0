"""Model files: what exists, where it comes from, and whether it is what it should be.

manifest.toml ─▶ manifest ─▶ fetch ─▶ (wheels | hub) ─▶ files on disk
                    └──────▶ store ─▶ verify ─▶ the path an engine opens
"""

from agent.models.manifest import Manifest, ModelEntry, load_manifest
from agent.models.store import ModelState, ModelStore

__all__ = ["Manifest", "ModelEntry", "ModelState", "ModelStore", "load_manifest"]
