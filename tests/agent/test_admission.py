import pytest

from agent.admission import COARSENING, admit, degraded
from agent.config import ServerSettings
from pipeline.assembly import CallProfile
from pipeline.context.manner import Manner, ScriptedLines
from pipeline.errors import OverloadedError

SETTINGS = ServerSettings(max_calls=4, speculating_calls=1, fine_captions_calls=2)
PROFILE = CallProfile({"zh": Manner("", ScriptedLines("", "", lambda text: False))}, {})


def test_the_house_degrades_step_by_step():
    """First no drafts, then rarer captions."""
    profiles = [degraded(PROFILE, calls, SETTINGS) for calls in (1, 2, 3)]
    assert [one.turn.speculation for one in profiles] == [True, False, False]
    usual = PROFILE.hearing.interval_secs
    assert [one.hearing.interval_secs / usual for one in profiles] == [1, 1, COARSENING]


def test_a_full_house_refuses_with_a_reason():
    """Politely, and not before it is full."""
    admit(3, SETTINGS)
    with pytest.raises(OverloadedError, match="4 lines"):
        admit(4, SETTINGS)
