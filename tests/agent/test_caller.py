"""The scripted caller against a real server with fake calls."""

import asyncio
import errno
import json
from contextlib import asynccontextmanager

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from agent.caller import Caller, CallScript, ScriptedTurn
from agent.caller_clip import clip_of
from agent.cli import app
from pipeline import events as call
from pipeline.audio import OUTPUT_RATE_HZ, level_dbfs
from pipeline.errors import ConfigError, OverloadedError, ProtocolError
from tests.fakes.call import ANSWER, HEARD, SILENCE_SECS, FakeFactory, tone
from tests.web.site import running_site
from web import server


def voice(secs=0.4, rate_hz=24_000):
    return clip_of(np.frombuffer(tone(secs, rate_hz), dtype=np.int16), rate_hz, name="voice")


def script(*turns, **options):
    brief = {"lead_in_secs": 0.1, "settle_secs": 0.1, "reply_timeout_secs": 10.0}
    return CallScript(turns, **{**brief, **options})


@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
async def test_a_call_of_two_turns(rate_hz):
    """Each turn has its transcript, its reply, every mark and a latency."""
    async with running_site(FakeFactory()) as site:
        turn = ScriptedTurn(voice(rate_hz=rate_hz))
        report = await Caller(site.realtime_url, rate_hz=rate_hz).run(script(turn, turn))
    assert report.errors == ()
    assert len(report.turns) == 2
    for one in report.turns:
        assert (one.transcript, one.reply_text, one.heard_text) == (HEARD, ANSWER, ANSWER)
        assert (one.status, one.replies, one.reply_audio_secs) == ("completed", 1, 0.5)
        assert not one.heard_is_estimated
        marks = one.client_marks_ms
        assert marks["speech_end"] == 0.0
        assert set(marks) == {
            "speech_end", "transcript_final", "turn_commit", "first_token", "first_audio",
            "first_playout",
        }  # fmt: skip
        assert one.response_latency_ms == marks["first_playout"] >= 1000 * SILENCE_SECS
        assert one.server_marks_ms["soft_end"] == 100.0
        assert one.server_response_latency_ms == 300.0


async def test_the_recording_has_both_sides_on_one_time_line():
    """The reply begins after the clip by the latency that is reported."""
    async with running_site(FakeFactory()) as site:
        report = await Caller(site.realtime_url).run(script(ScriptedTurn(voice())))
    caller, bot = report.recording[:, 0], report.recording[:, 1]
    clip = clip_of(caller, OUTPUT_RATE_HZ)
    reply = clip_of(bot, OUTPUT_RATE_HZ)
    between_ms = (reply.speech_start - clip.speech_end) / OUTPUT_RATE_HZ * 1000
    assert between_ms == pytest.approx(report.turns[0].response_latency_ms, abs=21)
    assert level_dbfs(bot[: clip.speech_end]) == -120.0


async def test_cutting_in():
    """The second clip comes in the middle of the first reply, which is stopped and cut."""
    async with running_site(FakeFactory(answer_secs=3.0)) as site:
        report = await Caller(site.realtime_url).run(
            script(ScriptedTurn(voice()), ScriptedTurn(voice(), cut_in_secs=0.5))
        )
    first, second = report.turns
    assert first.status == "interrupted"
    assert ANSWER.startswith(first.heard_text)
    assert first.heard_text != ANSWER
    assert second.status == "completed"
    assert second.interruption_latency_ms is not None
    assert second.interruption_latency_ms > 0
    assert second.pause_latency_ms > 0


async def test_a_turn_without_a_reply_is_reported_and_the_call_goes_on():
    """A timeout is a finding, not a crash."""
    async with running_site(FakeFactory()) as site:
        report = await Caller(site.realtime_url).run(
            script(ScriptedTurn(clip_of(np.zeros(4800, np.int16), 24_000)),
                   ScriptedTurn(voice()), answer_timeout_secs=1.5)
        )  # fmt: skip
    assert [turn.status for turn in report.turns] == ["none", "completed"]
    assert report.turns[0].response_latency_ms is None


async def test_a_reply_that_began_inside_the_clip_does_not_answer_it():
    """Every commit and every reply is reported, and the caller waits for the real answer."""
    said = np.frombuffer(tone(0.4), dtype=np.int16)
    pause = np.zeros(round(0.8 * 24_000), np.int16)
    clip = clip_of(np.concatenate([said, pause, said]), 24_000)
    async with running_site(FakeFactory(answer_secs=0.1)) as site:
        report = await Caller(site.realtime_url).run(script(ScriptedTurn(clip)))
    (turn,) = report.turns
    assert turn.replies == len(turn.answers) == len(turn.commits_ms) == 2
    early, answer = turn.answers
    assert early.begun_ms < 0 < answer.begun_ms
    assert turn.commits_ms[0] < 0 < turn.commits_ms[1]
    assert answer.audible_ms == turn.response_latency_ms


async def test_hearing_only_the_beginning_of_a_reply():
    """The caller has the rest stopped."""
    async with running_site(FakeFactory(answer_secs=5.0)) as site:
        report = await Caller(site.realtime_url).run(script(ScriptedTurn(voice()), listen_secs=0.3))
    (turn,) = report.turns
    assert turn.status == "cancelled"
    assert turn.heard_text != ANSWER


async def test_the_background_is_heard_all_the_time():
    """Between the clips as well as under them, and over again when it ends."""
    background = np.full(1_000, 100, np.int16)
    async with running_site(FakeFactory()) as site:
        report = await Caller(site.realtime_url).run(
            script(ScriptedTurn(clip_of(np.full(9_600, 8_000, np.int16), 24_000)),
                   background=background)
        )  # fmt: skip
    assert set(np.unique(report.recording[:, 0])) == {100, 8_100}


async def test_a_server_that_is_not_ours_is_called_without_our_events():
    """Heard text then is what was written, and says that it is an estimate."""
    async with running_site(FakeFactory()) as site:
        caller = Caller(site.realtime_url, extended=False)
        report = await caller.run(script(ScriptedTurn(voice())))
    (turn,) = report.turns
    assert report.call_id == ""
    assert (turn.heard_text, turn.heard_is_estimated, turn.status) == (ANSWER, True, "completed")


async def test_a_call_that_the_server_ends_is_an_error():
    """The close code is in the message."""
    async with running_site(FakeFactory()) as site:
        calling = asyncio.create_task(
            Caller(site.realtime_url).run(script(ScriptedTurn(voice(5.0))))
        )
        while not site.factory.calls:  # noqa: ASYNC110 (the factory has no event)
            await asyncio.sleep(0.01)
        site.factory.calls[0].emit(call.CallEnded("error"))
        with pytest.raises(ProtocolError, match="1011"):
            await calling


async def test_a_full_server_is_an_error():
    """The caller says so, and does not wait."""
    async with running_site(FakeFactory(max_calls=0)) as site:
        with pytest.raises(OverloadedError):
            await Caller(site.realtime_url).run(script(ScriptedTurn(voice())))


@pytest.mark.parametrize(
    ("url", "error"),
    [("ws://127.0.0.1:9/v1/realtime", ProtocolError), ("hello", ConfigError)],
)
async def test_an_address_where_nobody_answers_is_an_error(url, error):
    """One sentence, no traceback."""
    with pytest.raises(error):
        await Caller(url).run(script(ScriptedTurn(voice())))


# ---- qingting call ----


async def test_the_command_prints_one_json_object_and_writes_the_recording(tmp_path):
    """Everything on stdout is JSON."""
    clip, out = tmp_path / "clip.flac", tmp_path / "reply.wav"
    soundfile.write(clip, np.frombuffer(tone(0.4, 16_000), dtype=np.int16), 16_000)
    async with running_site(FakeFactory()) as site:
        arguments = ["call", str(clip), "--url", site.realtime_url, "--out", str(out), "--json"]
        result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["turns"][0]["transcript"] == HEARD
    assert report["response_latency_ms"]["p50"] > 0
    assert report["recording"] == str(out)
    recording, rate_hz = soundfile.read(out)
    assert (rate_hz, recording.shape[1]) == (24_000, 2)


@pytest.fixture
def own_server(monkeypatch):
    """The command's own server takes calls without any engine."""

    @asynccontextmanager
    async def fakes(settings):
        yield FakeFactory()

    monkeypatch.setattr(server, "switchboard", fakes)


@pytest.fixture
def clip(tmp_path):
    """A file with 0.4 s of sound."""
    path = tmp_path / "clip.wav"
    soundfile.write(path, np.frombuffer(tone(0.4, 16_000), dtype=np.int16), 16_000)
    return path


@pytest.mark.usefixtures("own_server")
@pytest.mark.parametrize("tls", [False, True])
def test_the_command_without_an_address_starts_a_server_of_its_own(clip, tls):
    """The call is held with the engines of this process, whatever `qingting serve` would need."""
    files = ("server.tls_certificate_file=absent.pem", "server.tls_key_file=absent.pem")
    options = [part for file in files if tls for part in ("--set", file)]
    result = CliRunner().invoke(app, [*options, "call", str(clip), "--rate", "16000"])
    assert result.exit_code == 0, result.output
    assert HEARD in result.stdout
    assert ANSWER in result.stdout


@pytest.mark.parametrize("name", ["absent/call.wav", "call.text", "call.ogg", "folder.wav", "call"])
def test_a_recording_that_cannot_be_written_is_refused_before_the_call(
    clip, tmp_path, monkeypatch, name
):
    """Its minutes would be for nothing."""
    monkeypatch.setattr(server, "switchboard", lambda settings: pytest.fail("a call was begun"))
    (tmp_path / "folder.wav").mkdir()
    result = CliRunner().invoke(app, ["call", str(clip), "--out", str(tmp_path / name)])
    assert result.exit_code == 2
    assert result.output.startswith("qingting: ")
    assert list(tmp_path.glob("call*")) == []


@pytest.mark.parametrize("option", [("--language", "fr"), ("--rate", "8000")])
def test_what_the_wire_does_not_take_is_refused_before_the_call(clip, option):
    """In one sentence that says what it takes."""
    result = CliRunner().invoke(app, ["call", str(clip), *option])
    assert result.exit_code == 2
    assert result.output.startswith(f"qingting: {' '.join(option)}: ")


@pytest.mark.usefixtures("own_server")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_what_was_measured_is_told_though_the_recording_cannot_be_written(
    clip, tmp_path, monkeypatch, options
):
    """As on a disk that became full during the call."""

    def full(*arguments, **named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(soundfile, "write", full)
    out = str(tmp_path / "call.wav")
    result = CliRunner().invoke(app, ["call", str(clip), "--out", out, *options])
    assert result.exit_code == 2
    assert HEARD in result.stdout
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize("content", [None, b"", b"RIFF nonsense"])
def test_a_bad_clip_is_a_clear_error(tmp_path, content):
    """Exit code 2 and the name of the file."""
    clip = tmp_path / "clip.wav"
    if content is not None:
        clip.write_bytes(content)
    result = CliRunner().invoke(app, ["call", str(clip), "--url", "ws://127.0.0.1:9"])
    assert result.exit_code == 2
    assert "clip.wav" in result.stderr
