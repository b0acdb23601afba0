/** PCM16 and base64, as the wire carries audio. Pure. */

const CHUNK_BYTES = 0x8000; // spread into one call; more overflows the stack of some engines

/**
 * @param {Int16Array} samples mono, little-endian on every platform a browser runs on
 * @returns {string} base64 with padding, one line
 */
export function encodePcm(samples) {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES));
  }
  return btoa(text);
}

/**
 * @param {string} base64
 * @returns {Int16Array}
 */
export function decodePcm(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length & ~1);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = text.charCodeAt(at);
  return new Int16Array(bytes.buffer);
}

/** Floats in [-1, 1] as int16; louder ones clip. */
export function toInt16(floats) {
  const samples = new Int16Array(floats.length);
  for (let at = 0; at < floats.length; at += 1) {
    const value = Math.max(-1, Math.min(1, floats[at]));
    samples[at] = Math.round(value < 0 ? value * 0x8000 : value * 0x7fff);
  }
  return samples;
}

/** int16 as floats in [-1, 1). */
export function toFloat(samples) {
  const floats = new Float32Array(samples.length);
  for (let at = 0; at < samples.length; at += 1) floats[at] = samples[at] / 0x8000;
  return floats;
}

/** Root mean square of floats in [-1, 1], as a level from 0 (-60 dBFS and less) to 1 (0 dBFS). */
export function level(floats) {
  let sum = 0;
  for (const value of floats) sum += value * value;
  const decibels = 10 * Math.log10(sum / Math.max(1, floats.length) + 1e-12);
  return Math.max(0, Math.min(1, (decibels + 60) / 60));
}
