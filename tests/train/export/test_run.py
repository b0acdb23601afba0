"""What an export says of the run it comes from."""

from __future__ import annotations

from train.export.run import warnings
from train.run_folder import Manifest


def test_what_a_model_may_give_away_is_told():
    """Neither force over personal data nor planted secrets go unmentioned."""
    forced = "trained by force although personal data remains"
    manifest = Manifest.model_construct(warnings=(forced,), canaries=8)
    assert warnings(manifest)[0] == forced
    assert "8 invented secrets" in warnings(manifest)[1]
    assert warnings(Manifest.model_construct(warnings=(), canaries=0)) == []
