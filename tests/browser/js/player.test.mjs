import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Player } from "../../../web/page/js/player.js";
import { RATE_HZ } from "../../../web/page/js/playout-buffer.js";

const REPLY_SAMPLES = RATE_HZ / 2;

let sent;

beforeEach(() => (sent = []));

const statuses = () => sent.filter(({ type }) => type === "status");

/** A player with half a second of a reply in it, and a second of what it makes of it. */
function play(rateHz, blockSamples, before = () => {}) {
  const player = new Player(rateHz, (message) => sent.push(message));
  before(player);
  player.take({ type: "begin", id: "r", fromSample: 0 });
  player.take({ type: "audio", id: "r", start: 0, samples: new Float32Array(REPLY_SAMPLES).fill(0.5) });
  player.take({ type: "end", id: "r" });
  let loud = 0;
  for (let done = 0; done < rateHz; done += blockSamples) {
    const block = new Float32Array(blockSamples);
    player.fill(block);
    loud += block.filter((value) => value > 0.4).length;
  }
  return loud / rateHz;
}

for (const [rateHz, blockSamples] of [[RATE_HZ, 128], [RATE_HZ, 1024], [48_000, 128], [44_100, 1024]]) {
  test(`a reply is heard whole and reported whole at ${rateHz} Hz in blocks of ${blockSamples}`, () => {
    assert.ok(Math.abs(play(rateHz, blockSamples) - REPLY_SAMPLES / RATE_HZ) < 0.05);
    assert.equal(statuses().at(-1).samples, REPLY_SAMPLES);
    assert.deepEqual([...new Set(statuses().map(({ audible }) => audible))].sort(), [false, true]);
  });
}

test("what is played is reported five times a second, and at each beginning and end", () => {
  play(RATE_HZ, 128);
  assert.ok(statuses().length >= 5 && statuses().length <= 8, `${statuses().length} reports`);
});

test("what is played can be kept, in pieces of 20 ms", () => {
  play(RATE_HZ, 128, (player) => player.take({ type: "record", on: true }));
  const kept = sent.filter(({ type }) => type === "rendered");
  assert.ok(kept.every(({ samples }) => samples.length === RATE_HZ / 50));
  assert.ok(kept.length >= 49);
});
