"""What the client may ask for: end the turn, forget it, answer, take typed words, stop."""

from __future__ import annotations

from pipeline.turn.actions import Action, Commit, Draft, Resume, TakeText
from pipeline.turn.floor import Floor
from pipeline.turn.utterance import Utterance


def force_end(floor: Floor, last_voiced_sample: int, *, answer: bool) -> list[Action]:
    """The turn ends here; its words are taken as soon as they are known.

    Args:
        floor: The floor now.
        last_voiced_sample: End of the last voiced audio.
        answer: Whether the turn is to be answered without being asked to.
    """
    utterance = floor.utterance
    if utterance is None or utterance.forced:
        return []
    utterance.forced_at_secs = floor.at_secs
    actions: list[Action] = []
    if utterance.overlap:
        actions += [*floor.end_reply("interrupted"), floor.begin_turn(utterance)]
    if utterance.phase == "waiting" and utterance.is_final:
        actions += finish_forced(floor, utterance, answer=answer)
    else:
        actions.append(floor.soft_end(utterance, last_voiced_sample))
    return actions


def finish_forced(floor: Floor, utterance: Utterance, *, answer: bool) -> list[Action]:
    """The words of a turn that was ended by the client are known, or will never be."""
    actions = floor.drop_draft("replaced")
    floor.utterance = None
    floor.ignored = True
    actions.append(TakeText(utterance.turn_id, utterance.text, utterance.language))
    if answer or floor.respond_when_ready:
        floor.respond_when_ready = False
        if floor.is_unheard(utterance):
            actions.append(floor.say("unheard", utterance.turn_id))
        else:
            actions += respond(floor)
    return actions


def clear(floor: Floor) -> list[Action]:
    """Forget the turn under way, and that an answer to it was asked for; a paused reply goes on."""
    floor.respond_when_ready = False
    floor.ignored = True
    actions = floor.drop_draft("cancelled")
    if floor.utterance is not None:
        actions.append(floor.discard(floor.utterance))
    if floor.reply.paused:
        floor.reply.resume(floor.at_secs)
        actions.append(Resume(floor.reply.generation))
    return actions


def respond(floor: Floor) -> list[Action]:
    """Answer the context as it stands, unless a reply runs or a turn is being finished.

    A turn in a silence is over: what is heard next is heard over the reply, and may be its
    echo.
    """
    if floor.utterance is not None and floor.utterance.forced:
        floor.respond_when_ready = True
        return []
    if floor.reply.phase != "none":
        return []
    actions = floor.drop_draft("replaced")
    if floor.utterance is not None and _is_turn_in_silence(floor.utterance):
        actions.append(_close(floor, floor.utterance))
    generation = floor.next_generation()
    floor.owe(generation, "")
    return [
        *actions,
        Draft(generation, "", "", "zh", speculative=False),
        Commit(generation, "", "", "zh"),
    ]


def type_text(floor: Floor) -> list[Action]:
    """A typed turn stops a running reply and replaces an unfinished spoken one's draft."""
    return [*floor.drop_draft("replaced"), *floor.end_reply("replaced")]


def cancel_reply(floor: Floor) -> list[Action]:
    """Stop the running reply.

    A sound over it stays one over the bot until its words are known: it may be the echo.
    """
    return floor.end_reply("cancelled")


def _is_turn_in_silence(utterance: Utterance) -> bool:
    return utterance.phase == "waiting" and not utterance.overlap


def _close(floor: Floor, utterance: Utterance) -> Action:
    """End a turn with the words that are known, unanswered."""
    if not utterance.text:
        return floor.discard(utterance)
    floor.utterance = None
    return TakeText(utterance.turn_id, utterance.text, utterance.language)
