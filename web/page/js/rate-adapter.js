/** Plays a source of one rate on a device of another. Pure. */

import { Resampler } from "./resampler.js";

const SOURCE_BLOCK = 128; // samples asked of the source at once, as Web Audio does

export class RateAdapter {
  /**
   * @param {number} fromHz of the source
   * @param {number} toHz of the device; the same rate costs nothing
   * @param {(block: Float32Array) => void} render fills a block with the source's next samples
   */
  constructor(fromHz, toHz, render) {
    this._render = render;
    this._resampler = fromHz === toHz ? null : new Resampler(fromHz, toHz);
    this._ready = new Float32Array(0);
  }

  /**
   * Fill a block of any length at the device's rate.
   *
   * @param {Float32Array} block
   */
  fill(block) {
    if (!this._resampler) {
      this._render(block);
      return;
    }
    while (this._ready.length < block.length) {
      const source = new Float32Array(SOURCE_BLOCK);
      this._render(source);
      const more = this._resampler.push(source);
      const joined = new Float32Array(this._ready.length + more.length);
      joined.set(this._ready);
      joined.set(more, this._ready.length);
      this._ready = joined;
    }
    block.set(this._ready.subarray(0, block.length));
    this._ready = this._ready.slice(block.length);
  }
}
