/**
 * Takes the microphone in 20 ms chunks at 16 kHz.
 *
 * accepts  {type: "link"} with a port of the playback worklet · {type: "guard", on}: whether
 *          loud speech pauses playback at once, before the server has heard it
 * sends    {type: "chunk", samples: Int16Array (320), level: 0 … 1}
 *          {type: "hold", secs} to the playback worklet
 */

import { level, toInt16 } from "../js/codec.js";
import { Resampler } from "../js/resampler.js";

const RATE_HZ = 16_000;
const CHUNK_SAMPLES = RATE_HZ / 50;
const LOUD = 0.55; // -27 dBFS: a voice close by, after the browser has taken the echo out
const LOUD_CHUNKS = 4; // 80 ms: longer than a click
const HOLD_SECS = 0.5; // the server answers within 150 ms, a slow network within this

class CaptureProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this._resampler = new Resampler(sampleRate, RATE_HZ);
    this._chunk = new Float32Array(CHUNK_SAMPLES);
    this._filled = 0;
    this._loudChunks = 0;
    this._guard = false;
    this._playback = null;
    this.port.onmessage = (event) => {
      if (event.data.type === "link") [this._playback] = event.ports;
      if (event.data.type === "guard") this._guard = event.data.on;
    };
  }

  process(inputs) {
    const channel = inputs[0][0];
    if (!channel) return true; // the track is muted by the system: no audio at all
    for (const value of this._resampler.push(channel.slice())) {
      this._chunk[this._filled] = value;
      this._filled += 1;
      if (this._filled === CHUNK_SAMPLES) this._send();
    }
    return true;
  }

  _send() {
    const loudness = level(this._chunk);
    this._loudChunks = loudness > LOUD ? this._loudChunks + 1 : 0;
    if (this._guard && this._loudChunks === LOUD_CHUNKS) {
      this._playback?.postMessage({ type: "hold", secs: HOLD_SECS });
    }
    const samples = toInt16(this._chunk);
    this.port.postMessage({ type: "chunk", samples, level: loudness }, [samples.buffer]);
    this._filled = 0;
  }
}

registerProcessor("capture", CaptureProcessor);
