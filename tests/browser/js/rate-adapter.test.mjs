import assert from "node:assert/strict";
import { test } from "node:test";

import { RateAdapter } from "../../../web/page/js/rate-adapter.js";

/** A sine of 440 Hz, endless, that counts what was asked of it. */
function sine(rateHz) {
  let at = 0;
  const render = (block) => {
    for (let index = 0; index < block.length; index += 1) {
      block[index] = Math.sin((2 * Math.PI * 440 * at) / rateHz);
      at += 1;
    }
  };
  return { render, asked: () => at };
}

test("the same rate goes straight through", () => {
  const source = sine(24_000);
  const block = new Float32Array(128);
  new RateAdapter(24_000, 24_000, source.render).fill(block);
  assert.equal(source.asked(), 128);
  assert.ok(Math.abs(block[1] - Math.sin((2 * Math.PI * 440) / 24_000)) < 1e-6);
});

for (const toHz of [48_000, 44_100, 16_000]) {
  test(`at ${toHz} Hz the pitch stays and no sample is lost`, () => {
    const source = sine(24_000);
    const adapter = new RateAdapter(24_000, toHz, source.render);
    const played = [];
    for (let count = 0; count < 400; count += 1) {
      const block = new Float32Array(128);
      adapter.fill(block);
      played.push(...block);
    }
    const secs = played.length / toHz;
    assert.ok(Math.abs(source.asked() / 24_000 - secs) < 0.02);
    const settled = played.slice(2_000);
    let crossings = 0;
    for (let at = 1; at < settled.length; at += 1) {
      if (settled[at - 1] < 0 && settled[at] >= 0) crossings += 1;
    }
    assert.ok(Math.abs(crossings / (settled.length / toHz) - 440) < 3);
    assert.ok(Math.max(...settled) > 0.97);
  });
}
