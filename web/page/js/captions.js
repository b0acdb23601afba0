/**
 * What was said, as the page shows it: a list of lines made from protocol events. Pure.
 *
 * A line of the caller has words that hold (`text`) and words that may still change
 * (`unstable`). A line of the bot has `text` and how many characters of it were heard.
 */

export class Captions {
  constructor() {
    /** @type {Array<object>} in the order they began */
    this.lines = [];
    this._byId = new Map();
    this._count = 0;
    this._spans = new Map(); // response → [{sample, char}] for the reply under way
  }

  /**
   * Take one event.
   *
   * @returns {?object} the line that changed, or null
   */
  take(event) {
    switch (event.type) {
      case "qingting.transcript":
        return this._caller(event.item_id, { text: event.committed, unstable: event.unstable });
      case "conversation.item.input_audio_transcription.completed":
        return this._completed(event);
      case "conversation.item.added":
        return this._typed(event.item);
      case "qingting.backchannel":
      case "qingting.acknowledgement":
        return this._note(event);
      case "response.created":
        return this._bot(event.response.id, {});
      case "response.output_audio_transcript.delta": {
        const line = this._bot(event.response_id, {});
        line.text += event.delta;
        return line;
      }
      case "qingting.audio_span":
        this._span(event);
        return null;
      case "qingting.reply.heard":
        return this._heard(event);
      case "qingting.turn.measured":
        return this._measured(event);
      default:
        return null;
    }
  }

  /** So much of a reply has been played. @returns {?object} the line, if it changed */
  played(responseId, samples) {
    const line = this._byId.get(responseId);
    if (!line || line.done) return null;
    let heard = 0;
    for (const span of this._spans.get(responseId) ?? []) {
      if (span.end <= samples) heard = Math.max(heard, span.endChar);
      else if (span.start < samples) {
        const share = (samples - span.start) / (span.end - span.start);
        heard = Math.max(heard, span.startChar + Math.floor(share * (span.endChar - span.startChar)));
      }
    }
    const index = unitIndex(line.text, heard);
    if (index <= line.heard) return null;
    line.heard = index;
    return line;
  }

  /** The length of the span's audio, known once its samples are decoded. */
  spanLength(responseId, startSample, length) {
    const span = this._spans.get(responseId)?.at(-1);
    if (span && span.start === startSample) span.end = startSample + length;
  }

  _span(event) {
    const spans = this._spans.get(event.response_id) ?? [];
    spans.push({
      start: event.start_sample,
      end: event.start_sample,
      startChar: event.start_char,
      endChar: event.end_char,
    });
    this._spans.clear();
    this._spans.set(event.response_id, spans);
  }

  _caller(id, fields) {
    const line = this._byId.get(id) ?? this._add({ id, who: "caller", text: "", unstable: "", done: false });
    return Object.assign(line, fields);
  }

  _completed(event) {
    if (event.transcript) {
      return this._caller(event.item_id, { text: event.transcript, unstable: "", done: true });
    }
    const line = this._byId.get(event.item_id);
    if (!line) return null;
    this._byId.delete(event.item_id);
    this.lines.splice(this.lines.indexOf(line), 1);
    return { ...line, gone: true };
  }

  _typed(item) {
    const part = item.content[0];
    if (item.role !== "user" || part?.type !== "input_text") return null;
    return this._caller(item.id, { text: part.text, done: true });
  }

  /** A word in passing, of either side: no line of the conversation. */
  _note({ type, text }) {
    const bot = type === "qingting.acknowledgement";
    return this._add({ id: `note_${this.lines.length}`, who: "note", bot, text, done: true });
  }

  _bot(id, fields) {
    const line = this._byId.get(id) ?? this._add({ id, who: "bot", text: "", heard: 0, status: "speaking", done: false });
    return Object.assign(line, fields);
  }

  _heard(event) {
    return this._bot(event.response_id, {
      text: event.text,
      heard: event.heard_text.length,
      status: event.status,
      done: true,
    });
  }

  _measured(event) {
    return this._bot(event.response_id, {
      latencyMs: event.response_latency_ms,
      marksMs: event.marks_ms,
      ledger: event.ledger,
    });
  }

  _add(line) {
    this._count += 1;
    line.order = this._count; // a line may get its first words after a later one's
    this.lines.push(line);
    this._byId.set(line.id, line);
    return line;
  }
}

/** Where character number `count` begins: the wire counts characters, JavaScript UTF-16 units. */
function unitIndex(text, count) {
  let index = 0;
  for (const character of text) {
    if (count <= 0) break;
    count -= 1;
    index += character.length;
  }
  return index;
}

/**
 * The conversation as plain text.
 *
 * @param {Array<object>} lines
 * @param {{caller: string, bot: string, unheard: string}} words
 */
export function transcriptText(lines, words) {
  return lines
    .filter((line) => line.text && line.who !== "note")
    .map((line) => {
      if (line.who === "caller") return `${words.caller}: ${line.text}`;
      const cut = line.done && line.heard < line.text.length;
      const rest = cut ? ` [${words.unheard}: ${line.text.slice(line.heard)}]` : "";
      return `${words.bot}: ${cut ? line.text.slice(0, line.heard) : line.text}${rest}`;
    })
    .join("\n");
}
