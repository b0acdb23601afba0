import assert from "node:assert/strict";
import { test } from "node:test";

import { LEAST_BUFFER_SECS, PlayoutBuffer, RATE_HZ } from "../../../web/page/js/playout-buffer.js";

const BLOCK = 128;

function ones(count) {
  return new Float32Array(count).fill(0.5);
}

/** Render `secs` and return every sample. */
function play(buffer, secs) {
  const out = [];
  for (let done = 0; done < secs * RATE_HZ; done += BLOCK) {
    const block = new Float32Array(BLOCK);
    buffer.render(block);
    out.push(...block);
  }
  return out;
}

function loud(samples) {
  return samples.filter((value) => value > 0.49).length;
}

function steepest(samples) {
  let most = 0;
  for (let at = 1; at < samples.length; at += 1) most = Math.max(most, Math.abs(samples[at] - samples[at - 1]));
  return most;
}

test("sound begins once the buffer holds its target", () => {
  const buffer = new PlayoutBuffer();
  buffer.append("r", 0, ones(RATE_HZ * LEAST_BUFFER_SECS));
  assert.ok(loud(play(buffer, 0.05)) > 0);
});

test("a reply shorter than the target is played all the same, after waiting as long", () => {
  const buffer = new PlayoutBuffer();
  buffer.append("r", 0, ones(480));
  assert.ok(play(buffer, 0.05).every((value) => value === 0));
  play(buffer, 0.2);
  assert.equal(buffer.status.samples, 480);
});

test("the end of a reply is no underrun; a gap in it is, and makes the buffer longer", () => {
  const whole = new PlayoutBuffer();
  whole.append("r", 0, ones(4800));
  play(whole, 1);
  whole.end("r");
  play(whole, 0.1);
  assert.equal(whole.underruns, 0);
  const torn = new PlayoutBuffer();
  torn.append("r", 0, ones(4800));
  play(torn, 1);
  torn.append("r", 4800, ones(4800));
  assert.equal(torn.underruns, 1);
  assert.ok(torn.status.bufferSecs > LEAST_BUFFER_SECS);
  play(torn, 1);
  assert.equal(torn.status.samples, 9600);
});

test("a longer buffer shrinks after calm", () => {
  const buffer = new PlayoutBuffer();
  buffer.append("r", 0, ones(4800));
  play(buffer, 1);
  buffer.append("r", 4800, ones(100));
  play(buffer, 25);
  assert.equal(buffer.status.bufferSecs, LEAST_BUFFER_SECS);
});

test("pause keeps the place, resume goes on from where it is told", () => {
  const buffer = new PlayoutBuffer();
  buffer.append("r", 0, ones(RATE_HZ));
  play(buffer, 0.3);
  buffer.pause();
  play(buffer, 0.1);
  const held = buffer.status.samples;
  play(buffer, 0.5);
  assert.equal(buffer.status.samples, held);
  assert.equal(buffer.status.audible, false);
  buffer.resume("r", 2400);
  play(buffer, 0.1);
  assert.ok(Math.abs(buffer.status.samples - (2400 + 0.1 * RATE_HZ)) <= BLOCK);
});

test("pause, resume and flush never click", () => {
  const buffer = new PlayoutBuffer();
  buffer.append("r", 0, ones(RATE_HZ * 2));
  const heard = play(buffer, 0.2);
  buffer.pause();
  heard.push(...play(buffer, 0.1));
  buffer.resume("r");
  heard.push(...play(buffer, 0.2));
  buffer.flush("r");
  heard.push(...play(buffer, 0.1));
  assert.ok(steepest(heard) < 0.01, `a step of ${steepest(heard)}`);
  assert.equal(heard.at(-1), 0);
});

test("a flushed reply stays silent whatever comes late, and its count stays", () => {
  const buffer = new PlayoutBuffer();
  buffer.append("r", 0, ones(RATE_HZ));
  play(buffer, 0.3);
  const { samples } = buffer.status;
  buffer.flush("r");
  buffer.append("r", RATE_HZ, ones(RATE_HZ));
  play(buffer, 0.1);
  assert.deepEqual([buffer.status.id, buffer.status.samples], ["r", samples]);
  assert.ok(play(buffer, 0.3).every((value) => value === 0));
});

test("a local hold ends by itself when the server says nothing", () => {
  const buffer = new PlayoutBuffer();
  buffer.append("r", 0, ones(RATE_HZ * 2));
  play(buffer, 0.2);
  buffer.hold(0.3);
  play(buffer, 0.2);
  assert.equal(buffer.status.audible, false);
  play(buffer, 0.3);
  assert.equal(buffer.status.audible, true);
});

test("the server's pause outlasts a local hold", () => {
  const buffer = new PlayoutBuffer();
  buffer.append("r", 0, ones(RATE_HZ * 2));
  play(buffer, 0.2);
  buffer.hold(0.1);
  buffer.pause();
  play(buffer, 1);
  assert.equal(buffer.status.audible, false);
});

test("the next reply waits for the one before", () => {
  const buffer = new PlayoutBuffer();
  buffer.append("a", 0, ones(4800));
  buffer.end("a");
  buffer.append("b", 0, ones(4800));
  buffer.end("b");
  play(buffer, 0.1);
  assert.equal(buffer.status.id, "a");
  play(buffer, 0.3);
  assert.equal(buffer.status.id, "b");
});

test("a reloaded page goes on in the middle", () => {
  const buffer = new PlayoutBuffer();
  buffer.begin("r", 4800);
  buffer.append("r", 0, ones(9600));
  assert.equal(buffer.status.samples, 4800);
  play(buffer, 0.1);
  assert.ok(buffer.status.samples > 4800);
});

test("offsets from a broken server grow no memory", () => {
  const buffer = new PlayoutBuffer();
  buffer.append("r", -5, ones(10));
  buffer.append("r", 1e12, ones(10));
  assert.equal(buffer.status.samples, 0);
});

test("an acknowledgement sounds at once and counts for nothing", () => {
  const buffer = new PlayoutBuffer();
  buffer.acknowledge(ones(2400));
  assert.equal(loud(play(buffer, 0.2)), 2400);
  assert.deepEqual([buffer.status.id, buffer.status.samples, buffer.status.audible], [null, 0, false]);
});

test("an acknowledgement does not delay a reply, and fades under it without a click", () => {
  const buffer = new PlayoutBuffer();
  buffer.acknowledge(ones(RATE_HZ));
  play(buffer, 0.1);
  buffer.append("r", 0, ones(RATE_HZ));
  const samples = play(buffer, 0.2);
  assert.ok(Math.max(...samples) <= 1 && samples.slice(1000).every((value) => value <= 0.5));
  assert.ok(steepest(samples) < 0.01);
  assert.ok(buffer.status.samples >= 0.19 * RATE_HZ);
});

test("a pause of the reply before and a flush leave an acknowledgement alone", () => {
  const buffer = new PlayoutBuffer();
  buffer.append("r", 0, ones(4800));
  play(buffer, 0.05);
  buffer.flush("r");
  play(buffer, 0.05);
  buffer.acknowledge(ones(2400));
  buffer.pause();
  assert.equal(loud(play(buffer, 0.2)), 2400);
});
