/**
 * What the loudspeaker plays: replies one after the other, each kept whole so that playout
 * can go back to a clause border. Pure; the playback worklet asks it for 128 samples at a time.
 *
 *     empty ──audio──▶ filling ──target reached──▶ playing ──all played──▶ done
 *                         ▲                        │   ▲
 *                         └────────underrun────────┘   │ resume
 *                                       pause ▶ paused ┘
 *
 * Every stop and start is a ramp of `FADE_SECS`, so that nothing clicks. An acknowledgement
 * (嗯) is played beside the replies, counts for nothing, and fades when one of them sounds.
 */

export const RATE_HZ = 24_000;
export const LEAST_BUFFER_SECS = 0.08; // two and a half Wi-Fi retries; the server paces 0.4 s ahead
const MOST_BUFFER_SECS = 0.4;
const GROW = 1.5; // after an underrun
const CALM_SECS = 10; // without an underrun the buffer shrinks again
const FADE_SECS = 0.012;
const FADE_STEP = 1 / (FADE_SECS * RATE_HZ);
const KEPT_REPLIES = 4;
const MOST_SAMPLES = 120 * RATE_HZ; // of one reply; the server's replies are far shorter

class Reply {
  constructor(id, fromSample) {
    this.id = id;
    this.audio = new Float32Array(RATE_HZ * 4);
    this.length = 0;
    this.position = fromSample;
    this.ended = false; // no more audio will come
    this.ranDry = false;
  }

  append(startSample, chunk) {
    const end = startSample + chunk.length;
    if (startSample < 0 || end > MOST_SAMPLES) return;
    if (end > this.audio.length) {
      const grown = new Float32Array(Math.max(end, this.audio.length * 2));
      grown.set(this.audio);
      this.audio = grown;
    }
    this.audio.set(chunk, startSample);
    this.length = Math.max(this.length, end);
  }
}

export class PlayoutBuffer {
  constructor() {
    this._queue = [];
    this._played = null; // the reply last finished, for its count
    this._flushed = new Set();
    this._paused = false;
    this._heldUntil = 0; // samples rendered; a local hold ends by itself
    this._filling = true;
    this._filledFor = 0; // samples of time spent waiting with something in the buffer
    this._gain = 0;
    this._tail = null; // what fades out behind a flush
    this._acknowledgement = null; // what is left of it
    this._rendered = 0;
    this._calmSince = 0;
    this._targetSecs = LEAST_BUFFER_SECS;
    this.underruns = 0;
  }

  /** A reply begins; `fromSample` is more than 0 where a reload cut it. */
  begin(id, fromSample = 0) {
    if (!this._find(id) && !this._flushed.has(id)) this._queue.push(new Reply(id, fromSample));
  }

  append(id, startSample, chunk) {
    this.begin(id);
    const reply = this._find(id);
    if (!reply) return;
    reply.append(startSample, chunk);
    if (reply.ranDry) this._noteUnderrun(reply); // only now: a reply's end is no underrun
  }

  /** All audio of a reply has come. */
  end(id) {
    const reply = this._find(id);
    if (reply) reply.ended = true;
  }

  /**
   * Play a whole acknowledgement, from the next block on.
   *
   * @param {Float32Array} samples
   */
  acknowledge(samples) {
    this._acknowledgement = samples;
  }

  pause() {
    this._paused = true;
    this._heldUntil = 0;
  }

  resume(id, fromSample) {
    this._paused = false;
    this._heldUntil = 0;
    const reply = this._find(id);
    if (reply && fromSample !== undefined) reply.position = fromSample;
  }

  /** Pause at once on a guess; without the server's word playout goes on after `secs`. */
  hold(secs) {
    if (this._queue.length && !this._paused) this._heldUntil = this._rendered + secs * RATE_HZ;
  }

  /** Forget one reply, or all. */
  flush(id) {
    for (const reply of this._queue) {
      if (id === undefined || reply.id === id) {
        this._flushed.add(reply.id);
        if (reply === this._queue[0]) this._played = reply;
      }
    }
    while (this._flushed.size > KEPT_REPLIES) this._flushed.delete(this._flushed.values().next().value);
    this._tail = this._takeTail();
    this._queue = this._queue.filter((reply) => !this._flushed.has(reply.id));
    this._paused = false;
    this._heldUntil = 0;
    this._filling = true;
  }

  /** What is heard: the reply, its samples played so far, and whether sound comes out. */
  get status() {
    const reply = this._queue[0] ?? this._played;
    return {
      id: reply?.id ?? null,
      samples: reply ? Math.min(reply.position, reply.length) : 0,
      audible: this._queue.length > 0 && this._gain > 0 && !this._filling,
      underruns: this.underruns,
      bufferSecs: this._targetSecs,
    };
  }

  /**
   * Fill one block.
   *
   * @param {Float32Array} block
   */
  render(block) {
    block.fill(0);
    this._rendered += block.length;
    if (this._rendered - this._calmSince > CALM_SECS * RATE_HZ) {
      this._calmSince = this._rendered;
      this._targetSecs = Math.max(LEAST_BUFFER_SECS, this._targetSecs / GROW);
    }
    this._tail = mixed(this._tail, block);
    this._renderNext(block);
    if (this._gain > 0) this._acknowledgement = faded(this._acknowledgement, 1);
    this._acknowledgement = mixed(this._acknowledgement, block);
  }

  _renderNext(block) {
    const reply = this._queue[0];
    if (!reply) return;
    if (this._filling && !this._filled(reply, block.length)) return;
    this._filling = false;
    this._filledFor = 0;
    this._renderReply(reply, block);
    if (reply.ended && reply.position >= reply.length) {
      this._played = this._queue.shift();
      this._filling = true;
      this._gain = 0;
    }
  }

  _renderReply(reply, block) {
    const quiet = this._paused || this._rendered < this._heldUntil;
    for (let at = 0; at < block.length; at += 1) {
      this._gain = quiet ? Math.max(0, this._gain - FADE_STEP) : Math.min(1, this._gain + FADE_STEP);
      if (this._gain === 0) return;
      if (reply.position >= reply.length) {
        if (!reply.ended) this._refill(reply);
        return;
      }
      block[at] += reply.audio[reply.position] * this._gain;
      reply.position += 1;
    }
  }

  /** Enough to begin with: the target in samples, or in waiting time for a reply's short end. */
  _filled(reply, blockSamples) {
    const waiting = reply.length - reply.position;
    if (waiting <= 0) return reply.ended;
    this._filledFor += blockSamples;
    const target = this._targetSecs * RATE_HZ;
    return reply.ended || waiting >= target || this._filledFor >= target;
  }

  _refill(reply) {
    reply.ranDry = true;
    this._filling = true;
    this._gain = 0;
  }

  _noteUnderrun(reply) {
    reply.ranDry = false;
    this.underruns += 1;
    this._calmSince = this._rendered;
    this._targetSecs = Math.min(MOST_BUFFER_SECS, this._targetSecs * GROW);
  }

  /** The few milliseconds that fade out behind a flush. */
  _takeTail() {
    const reply = this._queue[0];
    if (!reply || this._gain === 0 || !this._flushed.has(reply.id)) return this._tail;
    const from = this._gain;
    this._gain = 0;
    return faded(reply.audio.subarray(reply.position, reply.length), from);
  }

  _find(id) {
    return this._queue.find((reply) => reply.id === id);
  }
}

/** The beginning of `samples`, fading out from a gain of `from`. */
function faded(samples, from) {
  return samples && samples.slice(0, 1 / FADE_STEP).map((value, at) => value * Math.max(0, from - at * FADE_STEP));
}

/** Add the beginning of `samples` to `block`. @returns what is left, null for nothing */
function mixed(samples, block) {
  if (!samples) return null;
  const part = samples.subarray(0, block.length);
  for (let at = 0; at < part.length; at += 1) block[at] += part[at];
  return samples.length > part.length ? samples.subarray(part.length) : null;
}
