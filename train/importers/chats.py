"""From the messages of chats to conversations: whose side is learned, stickers, quotations."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pipeline.errors import DataError
from train.importers.events import MARKERS, Event
from train.importers.ordering import Disorder, in_order
from train.importers.sessions import PRESETS, Cutter, Preset, Turn, cutter
from train.importers.source import Source, has_bad_bytes
from train.schema import Conversation, Message, Role, conversation_id
from train.tally import Tally

_MY_NAMES = ("我", "me", "myself")  # how exporters call the account that exports
_SENDERS_SHOWN = 6
_REMEMBERED = 20_000  # messages that one which is there twice can be apart; about 10 MB


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What the person who imports decides.

    Attributes:
        preset: How chats are cut.
        me: Names or ids of the person who is to be imitated; empty to find out.
        system: System prompt in place of the preset's; "" for none, None for the preset's.
        quotes_only: Make pairs only of a quoted text and my reply to it.
        stickers: Text for a sticker's id, such as `[抱抱]`.
        markers: Keep a marker such as `[图片]` where they sent something that is no text.
    """

    preset: Preset = field(default_factory=lambda: PRESETS["qingting"])
    me: tuple[str, ...] = ()
    system: str | None = None
    quotes_only: bool = False
    stickers: Mapping[str, str] = field(default_factory=dict)
    markers: bool = False


def conversations(
    source: Source,
    reader: Callable[[Source], Iterator[Event]],
    name: str,
    options: ChatOptions,
    partner: Callable[[Source], str | None] | None = None,
) -> Iterator[Conversation]:
    """Read a chat export and cut it.

    Args:
        source: The file; its tally is filled.
        reader: The format's own reader of messages.
        name: The format's name, written to `source` of each record.
        options: See there.
        partner: Finds the other person's name in the header, if the format has one.

    Raises:
        DataError: It cannot be told who "me" is, or nobody of that name wrote anything.
    """
    overview = _look(source, reader)
    me = _find_me(source, overview, options.me, partner)
    events = (_prepared(event, options) for event in _owned(reader(source), me))
    sound = _without_repetitions(source, _without_bad_bytes(source, events))
    if overview.disorder.behind and not options.preset.anchored:
        source.tally.notes.append(
            f"{source.path.name} is not in order of time ({overview.disorder.behind} messages "
            "are older than one before them); it was read in order"
        )
        sound = in_order(sound)
    cut = _quotations(source, sound) if options.quotes_only else _cut(source, sound, options)
    system = options.preset.system if options.system is None else options.system
    prompt = system.replace("{me}", (me or options.me or ("我",))[0]) if system else None
    for turns in cut:
        # Both sides of a quotation come from one message.
        source.tally.rows_kept += (
            1 if options.quotes_only else sum(len(turn.events) for turn in turns)
        )
        yield _conversation(source.where(turns[0].events[0].line), turns, name, prompt)


@dataclass(slots=True)
class _Overview:
    """What is seen of a chat when it is read for the first time."""

    senders: Counter[str] = field(default_factory=Counter)
    marked: bool = False  # whether the export says which messages are mine
    disorder: Disorder = field(default_factory=Disorder)


def _look(source: Source, reader: Callable[[Source], Iterator[Event]]) -> _Overview:
    overview = _Overview()
    for event in reader(replace(source, tally=Tally())):
        overview.marked = overview.marked or event.mine is not None
        overview.disorder.see(event)
        if event.sender and event.kind != "system":
            overview.senders[event.sender] += 1
    return overview


def _find_me(
    source: Source,
    overview: _Overview,
    given: tuple[str, ...],
    partner: Callable[[Source], str | None] | None,
) -> tuple[str, ...]:
    """Names of the person to imitate; empty where the export marks the sides itself."""
    senders = overview.senders
    if overview.marked and not given:
        return ()
    if given:
        if any(name in senders for name in given) or not senders:
            return given
        if overview.marked:
            return ()
        names = " or ".join(given)
        raise DataError(f"Nobody called {names} wrote in {source.path.name}: {_who(senders)}.")
    for name in senders:
        if name.lower() in _MY_NAMES:
            return (name,)
    stem = source.path.stem
    for other in (partner(source) if partner else None, stem, stem.removesuffix("_chat")):
        if other in senders and len(senders) == 2:
            return tuple(name for name in senders if name != other)
    if not senders:
        return ()
    raise DataError(
        f"Whose replies in {source.path.name} are to be learned? "
        f"Say it with --me NAME: {_who(senders)}."
    )


def _who(senders: Counter[str]) -> str:
    shown = ", ".join(f"{name} ({count})" for name, count in senders.most_common(_SENDERS_SHOWN))
    more = len(senders) - _SENDERS_SHOWN
    return f"those who wrote are {shown}" + (f" and {more} others" if more > 0 else "")


def _owned(events: Iterable[Event], me: tuple[str, ...]) -> Iterator[Event]:
    for event in events:
        if me:
            yield replace(event, mine=event.sender in me)
        else:
            yield event if event.mine is not None else replace(event, mine=False)


def _prepared(event: Event, options: ChatOptions) -> Event:
    if event.sticker is not None and event.sticker in options.stickers:
        return replace(event, kind="text", text=options.stickers[event.sticker])
    if options.markers and not event.mine and event.kind in MARKERS:
        return replace(event, kind="text", text=MARKERS[event.kind])
    return event


def _without_bad_bytes(source: Source, events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        if has_bad_bytes(event.text) or has_bad_bytes(event.sender):
            text = event.text.encode("utf-8", "replace").decode()
            source.malformed(event.line, f"bytes that are not {source.encoding}", text)
        elif "\0" in event.text:  # what a database's buffer had behind the text
            yield replace(event, text=event.text.replace("\0", ""))
        else:
            yield event


def _without_repetitions(source: Source, events: Iterable[Event]) -> Iterator[Event]:
    """All messages but those that the export holds twice, as joined databases do."""
    seen: OrderedDict[tuple[str, str, float | None, str], None] = OrderedDict()
    for event in events:
        if event.id:
            key = (event.chat, event.id, event.time, event.text)
            if key in seen:
                source.tally.drop("the same message again", source.where(event.line), event.text)
                continue
            seen[key] = None
            if len(seen) > _REMEMBERED:
                seen.popitem(last=False)
        yield event


def _cut(source: Source, events: Iterable[Event], options: ChatOptions) -> Iterator[list[Turn]]:
    def drop(reason: str, event: Event) -> None:
        source.tally.drop(reason, source.where(event.line), event.text)

    chats: dict[str, Cutter] = {}
    for event in events:
        if event.chat not in chats:
            chats[event.chat] = cutter(options.preset, drop)
        yield from chats[event.chat].add(event)
    for chat in chats.values():
        yield from chat.finish()


def _quotations(source: Source, events: Iterable[Event]) -> Iterator[list[Turn]]:
    for event in events:
        reason = None
        if event.kind != "quote":
            reason = "not a quotation"
        elif not event.mine:
            reason = "a quotation by the other side"
        elif event.quoted is None or not event.quoted.strip():
            reason = "a quotation of something that is no text"
        elif not event.text.strip():
            reason = "blank"
        if reason is None:
            assert event.quoted is not None
            asked = replace(event, mine=False, text=event.quoted, sender="")
            yield [Turn(False, [asked]), Turn(True, [event])]
        else:
            source.tally.drop(reason, source.where(event.line), event.text)


def _conversation(origin: str, turns: list[Turn], name: str, system: str | None) -> Conversation:
    messages = tuple(_message(turn) for turn in turns)
    return Conversation.model_construct(
        id=conversation_id(messages, system),
        source=name,
        origin=origin,
        messages=messages,
        system=system,
    )


def _message(turn: Turn) -> Message:
    role: Role = "assistant" if turn.mine else "user"
    first = turn.events[0]
    # Built without validation: the cutter has checked what the model would, and a million
    # messages pass here.
    return Message.model_construct(
        role=role, content=turn.text(), name=first.sender or None, time=first.time
    )
