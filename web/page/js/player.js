/**
 * What plays replies, apart from the thread it runs on: replies in, blocks of sound out. Pure.
 *
 * accepts  {type: "begin", id, fromSample} · {type: "audio", id, start, samples: Float32Array}
 *          {type: "end", id} · {type: "pause"} · {type: "resume", id, fromSample}
 *          {type: "hold", secs} · {type: "flush", id?} · {type: "record", on}
 *          {type: "acknowledge", samples: Float32Array}
 * sends    {type: "status", id, samples, audible, underruns, bufferSecs}  five times a second,
 *          and at once when sound begins or ends
 *          {type: "rendered", samples: Float32Array}  while recording, every 20 ms
 */

import { PlayoutBuffer, RATE_HZ } from "./playout-buffer.js";
import { RateAdapter } from "./rate-adapter.js";

const REPORT_SAMPLES = RATE_HZ / 5;
const RECORD_SAMPLES = RATE_HZ / 50;

export class Player {
  /**
   * @param {number} rateHz of the device
   * @param {(message: object) => void} send
   */
  constructor(rateHz, send) {
    this._buffer = new PlayoutBuffer();
    this._adapter = new RateAdapter(RATE_HZ, rateHz, (block) => this._render(block));
    this._send = send;
    this._sinceReport = 0;
    this._audible = false;
    this._id = null;
    this._recorded = null;
    this._recordedCount = 0;
  }

  take(message) {
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
      default: return undefined;
    }
  }

  /**
   * Fill a block of any length at the device's rate.
   *
   * @param {Float32Array} block
   */
  fill(block) {
    this._adapter.fill(block);
    const status = this._buffer.status;
    if (this._sinceReport >= REPORT_SAMPLES || status.audible !== this._audible || status.id !== this._id) {
      this._sinceReport = 0;
      this._audible = status.audible;
      this._id = status.id;
      this._send({ type: "status", ...status });
    }
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
        this._send({ type: "rendered", samples: this._recorded.slice() });
        this._recordedCount = 0;
      }
    }
  }
}
