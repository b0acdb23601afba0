/** Both sides of a call as one stereo WAV: caller left, bot right. Pure. */

export const RECORDING_HZ = 24_000;
const MOST_SECS = 2 * 3600; // of each side; 690 MB, and beyond any call the server allows
const HEADER_BYTES = 44;

export class Recording {
  /** @param {number} startedAt in seconds, of the clock that `add` uses */
  constructor(startedAt) {
    this._startedAt = startedAt;
    this._sides = { caller: new Side(), bot: new Side() };
  }

  /**
   * @param {"caller"|"bot"} side
   * @param {Int16Array} samples at RECORDING_HZ
   * @param {number} now when they ended
   */
  add(side, samples, now) {
    const endsAt = Math.round((now - this._startedAt) * RECORDING_HZ);
    this._sides[side].add(samples, Math.max(0, endsAt - samples.length));
  }

  get secs() {
    return Math.max(this._sides.caller.length, this._sides.bot.length) / RECORDING_HZ;
  }

  /** @returns {Array<ArrayBuffer>} parts of a file */
  wav() {
    const length = Math.max(this._sides.caller.length, this._sides.bot.length);
    const samples = new Int16Array(length * 2);
    this._sides.caller.into(samples, 0);
    this._sides.bot.into(samples, 1);
    return [wavHeader(samples.byteLength, RECORDING_HZ, 2), samples.buffer];
  }
}

class Side {
  constructor() {
    this._chunks = [];
    this.length = 0;
  }

  /** Chunks follow each other; a gap longer than jitter, such as a mute, stays a gap. */
  add(samples, at) {
    const jitter = RECORDING_HZ / 5;
    const start = at - this.length > jitter ? at : this.length;
    if (start + samples.length > MOST_SECS * RECORDING_HZ) return;
    this._chunks.push({ start, samples });
    this.length = start + samples.length;
  }

  into(interleaved, channel) {
    for (const { start, samples } of this._chunks) {
      for (let at = 0; at < samples.length; at += 1) interleaved[2 * (start + at) + channel] = samples[at];
    }
  }
}

/** A RIFF header for PCM16. */
export function wavHeader(dataBytes, rateHz, channels) {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  const text = (at, word) => [...word].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + dataBytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rateHz, true);
  view.setUint32(28, rateHz * channels * 2, true);
  view.setUint16(32, channels * 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, dataBytes, true);
  return view.buffer;
}
