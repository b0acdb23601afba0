/**
 * One call: wire, microphone, loudspeaker and captions joined. No DOM.
 *
 * Tells its listener about
 *     state {state}            connecting, listening, thinking, speaking, paused, reconnecting
 *     line {line}              a caption began or changed
 *     level {level}            of the microphone, 0 … 1, fifty times a second
 *     hearing {speaking}       the server hears the caller
 *     crisis {lines}           numbers of people who help, to be kept in view
 *     notice {text key}        something worth saying
 *     ended {code}             close code of the socket
 */

import { Loudspeaker, Microphone, switchOff } from "./audio.js";
import { Captions } from "./captions.js";
import { decodePcm, encodePcm, toFloat, toInt16 } from "./codec.js";
import { Recording, RECORDING_HZ } from "./recording.js";
import { Resampler } from "./resampler.js";
import { Wire } from "./wire.js";

const INPUT_HZ = 16_000;

export class Call {
  /**
   * @param {object} options
   * @param {string} options.url
   * @param {?string} options.key
   * @param {?object} options.ticket of a call to go on with
   * @param {?string} options.memoryTag under which the caller wants to be remembered
   * @param {boolean} options.record keep both sides for download
   * @param {(kind: string, detail: object) => void} options.tell
   */
  constructor({ url, key, ticket, memoryTag, record, tell }) {
    this.captions = new Captions();
    this.startedAt = performance.now();
    this.recording = record ? new Recording(this._now()) : null;
    this.muted = false;
    this._silent = false;
    this.microphone = null; // both until they are open
    this.loudspeaker = null;
    this.callId = null; // until the server has named the call
    this._tell = tell;
    this._state = "connecting";
    this._over = false;
    this._stream = null; // of the microphone, from when the page has it
    this._span = null;
    this._finished = new Set(); // responses that the server thinks are over
    this._from = null; // where a reloaded page goes on playing
    this._firstDeltaAt = null;
    this._upsampler = new Resampler(INPUT_HZ, RECORDING_HZ);
    this._wire = new Wire({
      url,
      key,
      resume: ticket,
      memoryTag,
      onEvent: (event) => this._take(event),
      onState: (state, detail) => this._connection(state, detail),
    });
  }

  get ticket() {
    return this._wire.ticket;
  }

  get state() {
    return this._state;
  }

  get over() {
    return this._over;
  }

  /** Whether a microphone is there or on its way. */
  get hasMicrophone() {
    return this._stream !== null;
  }

  /**
   * @param {?MediaStream} stream null to type instead of speaking
   * @throws {AudioFailure} the call is over then, and nobody is told
   */
  async start(stream) {
    this._stream = stream;
    try {
      this.loudspeaker = await Loudspeaker.open(
        (status) => this._played(status),
        (samples) => this._record("bot", samples),
      );
      if (this._over) {
        this.loudspeaker.close();
        return;
      }
      this.loudspeaker.silent = this._silent;
      if (this.recording) this.loudspeaker.tell({ type: "record", on: true });
      this._link();
      if (stream) await this._listen(stream);
    } catch (error) {
      this._letGo();
      throw error;
    }
    this._wire.open();
  }

  /**
   * Take a microphone in mid-call; a second one, or one that comes too late, is switched off.
   *
   * @throws {AudioFailure} the call goes on
   */
  async speakThrough(stream) {
    if (this._over || this._stream) {
      switchOff(stream);
      return;
    }
    this._stream = stream;
    try {
      await this._listen(stream);
    } catch (error) {
      switchOff(stream);
      this._stream = null;
      throw error;
    }
  }

  async _listen(stream) {
    const microphone = await Microphone.over(
      stream,
      (chunk) => this._captured(chunk),
      () => this._tell("notice", { key: "microphone_gone" }),
    );
    if (this._over) {
      microphone.close();
      return;
    }
    microphone.muted = this.muted;
    this.microphone = microphone;
    this._link();
  }

  /** Let the microphone hold playback, once both are there. */
  _link() {
    if (this.microphone && this.loudspeaker) this.microphone.link(this.loudspeaker.holdPort());
  }

  mute(muted) {
    this.muted = muted;
    if (this.microphone) this.microphone.muted = muted;
    this._tell("level", { level: 0 });
  }

  /** Have replies read instead of heard. */
  silence(silent) {
    this._silent = silent;
    if (this.loudspeaker) this.loudspeaker.silent = silent;
  }

  type(text) {
    this._wire.send({
      type: "conversation.item.create",
      item: { type: "message", role: "user", content: [{ type: "input_text", text }] },
    });
    this._wire.send({ type: "response.create" });
  }

  hangUp() {
    this._wire.hangUp();
  }

  /** The browser's network has changed. */
  suspect() {
    this._wire.suspect();
  }

  _now() {
    return performance.now() / 1000;
  }

  _captured({ samples, level }) {
    if (this._over || this.muted) return;
    this._tell("level", { level });
    if (this.recording) {
      const up = this._upsampler.push(toFloat(samples));
      this.recording.add("caller", toInt16(up), this._now());
    }
    this._wire.send({ type: "input_audio_buffer.append", audio: encodePcm(samples) });
  }

  _record(side, samples) {
    if (!this._over) this.recording?.add(side, toInt16(samples), this._now());
  }

  _played(status) {
    const changed = status.id && (status.id !== this._reported?.id || status.samples !== this._reported?.samples);
    if (changed) {
      this._reported = { id: status.id, samples: status.samples };
      this._wire.send({ type: "qingting.playout.report", response_id: status.id, samples: status.samples });
      this._changed(this.captions.played(status.id, status.samples));
    }
    if (status.audible && this._firstDeltaAt !== null) {
      this.bufferMs = performance.now() - this._firstDeltaAt + this.loudspeaker.latencySecs * 1000;
      this._firstDeltaAt = null;
    }
  }

  _connection(state, detail) {
    if (state === "reconnecting") this._become("reconnecting");
    if (state === "closed") this._end(detail);
  }

  _become(state) {
    this._state = state;
    this._tell("state", { state });
  }

  _changed(line) {
    if (line) this._tell("line", { line });
  }

  _end({ code }) {
    if (this._over) return;
    this._letGo();
    this._tell("ended", { code });
  }

  /** Close every device; what is still on its way is closed when it comes. */
  _letGo() {
    if (this._over) return;
    this._over = true;
    if (this._stream) switchOff(this._stream);
    this.microphone?.close();
    this.loudspeaker?.close();
  }

  _take(event) {
    this._changed(this.captions.take(event));
    const tell = (message, transfer) => this.loudspeaker.tell(message, transfer);
    switch (event.type) {
      case "session.created":
        return this._greet();
      case "qingting.hello":
        this.callId = event.call_id;
        return this._become(event.state);
      case "qingting.resumed":
        return this._resumed(event);
      case "qingting.state":
        return this._become(event.state);
      case "input_audio_buffer.speech_started":
        this._tell("hearing", { speaking: true });
        return this._cutLeftover();
      case "input_audio_buffer.speech_stopped":
        return this._tell("hearing", { speaking: false });
      case "response.created":
        this._firstDeltaAt = null;
        this._bufferedId = null;
        return tell({ type: "begin", id: event.response.id, fromSample: this._fromSample(event.response.id) });
      case "qingting.audio_span":
        this._span = event;
        return undefined;
      case "response.output_audio.delta":
        return this._audio(event);
      case "response.output_audio.done":
        this._finished.add(event.response_id);
        return tell({ type: "end", id: event.response_id });
      case "qingting.playout.pause":
        return tell({ type: "pause" });
      case "qingting.playout.resume":
        return tell({ type: "resume", id: event.response_id, fromSample: event.from_sample });
      case "qingting.playout.flush":
        return tell({ type: "flush", id: event.response_id });
      case "qingting.acknowledgement":
        return this._acknowledge(event);
      case "qingting.crisis":
        return this._tell("crisis", { lines: event.lines });
      default:
        return undefined;
    }
  }

  _greet() {
    const able = { reports_playout: true, resumable: true, acknowledgements: true };
    this._wire.send({ type: "qingting.hello", version: 1, ...able });
    const format = { type: "audio/pcm", rate: INPUT_HZ };
    this._wire.send({ type: "session.update", session: { type: "realtime", audio: { input: { format } } } });
    this._wire.send({ type: "response.create" });
  }

  _resumed(event) {
    this.callId = event.call_id;
    this._from = event.response_id && { id: event.response_id, samples: event.samples };
    if (!event.complete) this._tell("notice", { key: "captions_lost" });
    this._become(event.state);
  }

  /** A page that was reloaded goes on where the old one stopped; any other knows by itself. */
  _fromSample(id) {
    return this._from?.id === id ? this._from.samples : 0;
  }

  _audio(event) {
    const samples = toFloat(decodePcm(event.delta));
    const start = this._span.start_sample;
    this.captions.spanLength(event.response_id, start, samples.length);
    if (this._bufferedId !== event.response_id) {
      this._bufferedId = event.response_id;
      this._firstDeltaAt = performance.now();
    }
    this.loudspeaker.tell({ type: "audio", id: event.response_id, start, samples }, [samples.buffer]);
  }

  _acknowledge(event) {
    const samples = toFloat(decodePcm(event.audio));
    this.loudspeaker.tell({ type: "acknowledge", samples }, [samples.buffer]);
  }

  /** What is still played of a reply that the server holds for finished ends at speech too. */
  _cutLeftover() {
    const id = this._reported?.id;
    if (!id || !this._finished.has(id) || !this.loudspeaker) return;
    this._finished.clear();
    this.loudspeaker.tell({ type: "flush", id });
  }
}
