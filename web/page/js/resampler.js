/**
 * A streaming resampler for speech: any rate to any other, mono floats. Pure.
 *
 * A windowed sinc, read at fractional positions of the input. Half of its length is the
 * delay: 16 input samples at the lower rate, 1 ms at 16 kHz.
 */

const HALF_TAPS = 16; // at the lower of both rates
const PHASES = 256; // resolution of the filter table; linear interpolation between them
const CUTOFF = 0.92; // of half the lower rate: flat to 7.2 kHz at 16 kHz

export class Resampler {
  /**
   * @param {number} fromHz
   * @param {number} toHz
   */
  constructor(fromHz, toHz) {
    this._step = fromHz / toHz;
    this._stretch = Math.max(1, this._step);
    this._half = Math.ceil(HALF_TAPS * this._stretch);
    this._table = filterTable(this._half, CUTOFF / this._stretch);
    this._line = new Float32Array(this._half); // what the filter still needs of the past
    this._start = -this._half; // place of its first sample in the stream
    this._count = 0; // output samples so far; number n stands at n · step, free of drift
  }

  /**
   * The next piece of the stream; pieces join without a seam whatever their length.
   *
   * @param {Float32Array} input
   * @returns {Float32Array}
   */
  push(input) {
    if (this._step === 1) return input;
    const line = new Float32Array(this._line.length + input.length);
    line.set(this._line);
    line.set(input, this._line.length);
    const end = this._start + line.length - this._half; // the filter looks this far ahead
    const until = Math.max(this._count, Math.ceil(end / this._step));
    const output = new Float32Array(until - this._count);
    for (let number = this._count; number < until; number += 1) {
      output[number - this._count] = this._sampleAt(line, number * this._step - this._start);
    }
    this._count = until;
    const keep = Math.max(0, Math.floor(until * this._step) - this._half - this._start);
    this._line = line.slice(keep);
    this._start += Math.min(keep, line.length);
    return output;
  }

  _sampleAt(line, position) {
    const base = Math.floor(position);
    const fraction = position - base;
    let sum = 0;
    for (let tap = 1 - this._half; tap <= this._half; tap += 1) {
      const where = Math.abs(tap - fraction) * PHASES;
      const slot = Math.floor(where);
      const low = this._table[slot];
      sum += line[base + tap] * (low + (this._table[slot + 1] - low) * (where - slot)) || 0;
    }
    return sum;
  }
}

/** One side of a symmetric low-pass, `PHASES` values for each input sample. */
function filterTable(half, cutoff) {
  const table = new Float32Array(half * PHASES + 2);
  for (let slot = 0; slot < half * PHASES; slot += 1) {
    const at = slot / PHASES;
    const angle = Math.PI * at * cutoff;
    const sinc = at === 0 ? 1 : Math.sin(angle) / angle;
    const window = 0.42 + 0.5 * Math.cos((Math.PI * at) / half) + 0.08 * Math.cos((2 * Math.PI * at) / half);
    table[slot] = cutoff * sinc * window;
  }
  return table;
}
