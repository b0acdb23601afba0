/**
 * Plays replies, mono at 24 kHz, on a context of whatever rate the browser grants.
 *
 * accepts  {type: "begin", id, fromSample} · {type: "audio", id, start, samples: Float32Array}
 *          {type: "end", id} · {type: "pause"} · {type: "resume", id, fromSample}
 *          {type: "hold", secs} · {type: "flush", id?} · {type: "record", on}
 *          {type: "acknowledge", samples: Float32Array}
 *          {type: "link"} with a port of the capture worklet, which sends "hold" by itself
 * sends    {type: "status", id, samples, audible, underruns, bufferSecs}  five times a second,
 *          and at once when sound begins or ends
 *          {type: "rendered", samples: Float32Array}  while recording, every 20 ms
 */

import { PlayoutBuffer, RATE_HZ } from "../js/playout-buffer.js";
import { RateAdapter } from "../js/rate-adapter.js";

const REPORT_SAMPLES = RATE_HZ / 5;
const RECORD_SAMPLES = RATE_HZ / 50;

class PlaybackProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this._buffer = new PlayoutBuffer();
    this._adapter = new RateAdapter(RATE_HZ, sampleRate, (block) => this._render(block));
    this._sinceReport = 0;
    this._audible = false;
    this._id = null;
    this._recorded = null;
    this._recordedCount = 0;
    this.port.onmessage = (event) => this._take(event.data, event.ports);
  }

  _take(message, ports) {
    const buffer = this._buffer;
    switch (message.type) {
      case "begin": return buffer.begin(message.id, message.fromSample);
      case "audio": return buffer.append(message.id, message.start, message.samples);
      case "end": return buffer.end(message.id);
      case "pause": return buffer.pause();
      case "resume": return buffer.resume(message.id, message.fromSample);
      case "hold": return buffer.hold(message.secs);
      case "acknowledge": return buffer.acknowledge(message.samples);
      case "flush": return buffer.flush(message.id);
      case "record":
        this._recorded = message.on ? new Float32Array(RECORD_SAMPLES) : null;
        this._recordedCount = 0;
        return undefined;
      case "link":
        ports[0].onmessage = (event) => this._take(event.data, []);
        return undefined;
      default: return undefined;
    }
  }

  process(_inputs, outputs) {
    const [block, ...copies] = outputs[0];
    this._adapter.fill(block);
    for (const copy of copies) copy.set(block);
    const status = this._buffer.status;
    if (this._sinceReport >= REPORT_SAMPLES || status.audible !== this._audible || status.id !== this._id) {
      this._sinceReport = 0;
      this._audible = status.audible;
      this._id = status.id;
      this.port.postMessage({ type: "status", ...status });
    }
    return true;
  }

  _render(block) {
    this._buffer.render(block);
    if (this._recorded) this._record(block);
    this._sinceReport += block.length;
  }

  _record(block) {
    for (const value of block) {
      this._recorded[this._recordedCount] = value;
      this._recordedCount += 1;
      if (this._recordedCount === RECORD_SAMPLES) {
        this.port.postMessage({ type: "rendered", samples: this._recorded.slice() });
        this._recordedCount = 0;
      }
    }
  }
}

registerProcessor("playback", PlaybackProcessor);
