"""What happens when voices overlap: the policy's verdicts, carried out on the floor.

    a sound over the bot
    ──▶ reply paused ─┬─▶ reply resumed ──over, words known──▶ sound dismissed
                      │         └─ words that come late ─┐
                      └─▶ reply dropped, a turn begins ◀─┘

When the sound is a turn, `machine` treats it as any other. The bot's echo is a sound over
the bot until `reply.ECHO_TAIL_SECS` after its last sample.
"""

from __future__ import annotations

from pipeline.interruption import InterruptionPolicy
from pipeline.turn import lexicon
from pipeline.turn.actions import Action, Pause, Resume
from pipeline.turn.floor import Floor
from pipeline.turn.utterance import Utterance


def is_somebody(
    floor: Floor, policy: InterruptionPolicy, *, level_dbfs: float, echo_dbfs: float | None
) -> bool:
    """Whether a voice is worth listening to after one more window.

    What does not stand out of the bot's echo, or comes from another room, is not: its words
    would be the bot's, and a caller who then speaks up would share an utterance with them.

    Args:
        floor: The floor at the end of the window; the gate is open.
        policy: Knows the levels.
        level_dbfs: Level of the window.
        echo_dbfs: Up to this level it may be the bot's echo; None if there is none.
    """
    if not floor.ignored and not floor.reply.may_be_heard(floor.at_secs):
        return True
    near = policy.may_be_caller(level_dbfs, echo_dbfs=echo_dbfs, usual_dbfs=floor.usual_dbfs)
    floor.ignored = floor.silence_secs > 0.0 or not near
    return not floor.ignored


def go_on(floor: Floor, utterance: Utterance, policy: InterruptionPolicy) -> None:
    """Voice again after a short silence: the same sound, or another one."""
    if floor.reply.paused:
        return
    policy.go_on(floor.at_secs, floor.at_secs)
    if not policy.has_heard_caller:
        utterance.voiced_secs = 0.0


def judge(
    floor: Floor,
    utterance: Utterance,
    policy: InterruptionPolicy,
    *,
    level_dbfs: float,
    echo_dbfs: float | None,
) -> list[Action]:
    """Weigh a sound over the bot after one more window.

    Args:
        floor: The floor at the end of the window.
        utterance: The sound, `overlap` being true.
        policy: Says what it is.
        level_dbfs: Level of the window.
        echo_dbfs: Up to this level it may be the bot's echo; None if there is none.
    """
    decision = policy.judge(
        floor.at_secs,
        voiced_secs=utterance.voiced_secs,
        silence_secs=floor.silence_secs,
        level_dbfs=level_dbfs,
        text=utterance.text if utterance.answered else None,
        text_is_final=utterance.is_final and utterance.phase == "waiting",
        end_of_turn=utterance.complete_probability,
        echo_dbfs=echo_dbfs,
        usual_dbfs=floor.usual_dbfs,
        floor_is_free=_is_free(floor, policy),
    )
    match decision.kind:
        case "commit":
            return _give_up_floor(floor, utterance, policy)
        case "pause":
            floor.reply.pause(floor.at_secs)
            return [Pause(floor.reply.generation)]
        case "resume" if floor.reply.paused:
            floor.reply.resume(floor.at_secs)
            resumed = Resume(floor.reply.generation)
            return [resumed, *_dismiss_if_over(floor, utterance, policy)]
        case _:
            return _dismiss_if_over(floor, utterance, policy)


def _is_free(floor: Floor, policy: InterruptionPolicy) -> bool:
    """Nothing is left to interrupt."""
    return floor.reply.phase == "none" or (floor.reply.all_said and policy.mode != "off")


def _give_up_floor(floor: Floor, utterance: Utterance, policy: InterruptionPolicy) -> list[Action]:
    """The sound is the caller's turn, from where it was no longer the bot's echo."""
    utterance.keep_words(policy.caller_words(utterance.began_secs))
    actions = [*floor.end_reply("interrupted"), floor.begin_turn(utterance)]
    if utterance.is_final and utterance.text and floor.speculation:
        actions += floor.draft_reply(utterance, speculative=True)
    return actions


def _dismiss_if_over(
    floor: Floor, utterance: Utterance, policy: InterruptionPolicy
) -> list[Action]:
    """Forget a sound that is over and was no turn; its last words may come in late."""
    if floor.reply.paused:
        return []
    stalled = floor.silence_secs >= floor.settings.stalled_transcript_secs
    goes_on = utterance.phase == "speaking"  # for the gate, which an echo keeps open
    if not (policy.is_done(floor.at_secs) if goes_on else utterance.is_final or stalled):
        return []
    floor.ignored = goes_on
    backchannel = lexicon.is_backchannel(utterance.text)
    if _is_free(floor, policy):
        if not utterance.text and policy.has_heard_caller:
            return floor.discard_wordless(utterance)
    elif policy.mode == "off" and utterance.text and not backchannel:
        return []  # it waits until the bot has finished
    return [floor.discard(utterance, utterance.text if backchannel else "")]
