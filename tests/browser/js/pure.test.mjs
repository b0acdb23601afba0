import assert from "node:assert/strict";
import { test } from "node:test";

import { decodePcm, encodePcm, level, toFloat, toInt16 } from "../../../web/page/js/codec.js";
import { failureOfClose, failureOfStatus } from "../../../web/page/js/failures.js";
import { chooseLocale, LOCALES, Words } from "../../../web/page/js/i18n.js";
import { waterfall } from "../../../web/page/js/latency.js";
import { Recording, RECORDING_HZ } from "../../../web/page/js/recording.js";
import { Resampler } from "../../../web/page/js/resampler.js";

function sine(hz, rateHz, count) {
  return Float32Array.from({ length: count }, (_, at) => 0.5 * Math.sin((2 * Math.PI * hz * at) / rateHz));
}

function rms(samples) {
  return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
}

test("PCM survives base64, however long", () => {
  const samples = Int16Array.from({ length: 70_000 }, (_, at) => (at * 31) % 65_536 - 32_768);
  assert.deepEqual(decodePcm(encodePcm(samples)), samples);
});

test("floats become int16 and clip", () => {
  assert.deepEqual([...toInt16([0, 1, -1, 2, -2])], [0, 32_767, -32_768, 32_767, -32_768]);
  assert.equal(toFloat(Int16Array.of(-32_768))[0], -1);
});

test("the level runs from -60 to 0 dBFS", () => {
  assert.equal(level(new Float32Array(100)), 0);
  assert.equal(level(new Float32Array(100).fill(1)), 1);
  assert.ok(Math.abs(level(new Float32Array(100).fill(0.001)) - 0) < 0.01);
});

for (const [from, to] of [[48_000, 16_000], [44_100, 16_000], [16_000, 24_000], [8_000, 16_000]]) {
  test(`any cutting of a ${from} Hz stream gives the same ${to} Hz stream`, () => {
    const input = sine(440, from, from / 4);
    const whole = [...new Resampler(from, to).push(input)];
    const cut = new Resampler(from, to);
    const pieces = [];
    for (let at = 0, step = 1; at < input.length; at += step, step = (step * 7) % 509 || 128) {
      pieces.push(...cut.push(input.slice(at, at + step)));
    }
    assert.equal(pieces.length, whole.length);
    assert.ok(Math.abs(whole.length - to / 4) < 40);
    const most = pieces.reduce((worst, value, at) => Math.max(worst, Math.abs(value - whole[at])), 0);
    assert.ok(most < 1e-4, `differs by ${most}`);
  });
}

test("speech passes the resampler, what would fold back does not", () => {
  const middle = (samples) => samples.slice(800, 3200);
  const pass = middle([...new Resampler(48_000, 16_000).push(sine(3_000, 48_000, 12_000))]);
  const stop = middle([...new Resampler(48_000, 16_000).push(sine(11_000, 48_000, 12_000))]);
  assert.ok(Math.abs(rms(pass) - 0.3535) < 0.005, `passes ${rms(pass)}`);
  assert.ok(rms(stop) < 0.001, `leaks ${rms(stop)}`);
});

test("the browser's languages choose the page's", () => {
  const chosen = { "zh-TW": "zh-Hant", "zh-HK": "zh-Hant", zh: "zh-Hans", "zh-CN": "zh-Hans", "zh-Hant-CN": "zh-Hant", "zh-Hans-TW": "zh-Hans", yue: "zh-Hant", "en-US": "en", de: "en" };
  for (const [tag, locale] of Object.entries(chosen)) assert.equal(chooseLocale([tag]), locale, tag);
  assert.equal(chooseLocale(["fr", "zh-TW", "en"]), "zh-Hant");
});

test("every language has every text, with the same blanks", () => {
  const flat = (table, prefix = "") => Object.entries(table).flatMap(([key, value]) =>
    typeof value === "string" ? [[prefix + key, value]] : flat(value, `${prefix}${key}.`));
  const blanks = (text) => (text.match(/\{\w+\}/g) ?? []).sort().join();
  const english = new Map(flat(LOCALES.en));
  for (const [locale, table] of Object.entries(LOCALES)) {
    const texts = new Map(flat(table));
    assert.deepEqual([...texts.keys()].sort(), [...english.keys()].sort(), locale);
    for (const [key, text] of texts) assert.equal(blanks(text), blanks(english.get(key)), `${locale} ${key}`);
  }
});

test("a missing text is a mistake, not an empty place", () => {
  assert.throws(() => new Words("en").say("no.such.text"));
});

test("a waterfall's rows join and fill the whole, whatever the order of marks", () => {
  const rows = waterfall({ speech_end: 0, first_playout: 400, first_token: 150, soft_end: 100, odd: 3 });
  assert.deepEqual(rows.map((row) => row.mark), ["soft_end", "first_token", "first_playout"]);
  assert.equal(rows.reduce((sum, row) => sum + row.share, 0), 100);
  assert.equal(rows[2].from, rows[1].from + rows[1].share);
});

test("no marks, no rows", () => {
  assert.deepEqual(waterfall({}), []);
});

test("a recording keeps both sides in their time, a mute as a gap", () => {
  const recording = new Recording(100);
  recording.add("caller", new Int16Array(RECORDING_HZ).fill(1), 101);
  recording.add("bot", new Int16Array(RECORDING_HZ / 2).fill(2), 101.5);
  recording.add("caller", new Int16Array(RECORDING_HZ).fill(3), 104);
  assert.equal(recording.secs, 4);
  const [header, data] = recording.wav();
  const samples = new Int16Array(data);
  const at = (secs, channel) => samples[2 * Math.round(secs * RECORDING_HZ) + channel];
  assert.deepEqual([at(0.5, 0), at(2, 0), at(3.5, 0), at(0.5, 1), at(1.2, 1)], [1, 0, 3, 0, 2]);
  assert.equal(new DataView(header).getUint32(40, true), data.byteLength);
});

test("every end of a call has its sentence", () => {
  assert.equal(failureOfClose(1000, true), null);
  assert.equal(failureOfClose(1006, true), "lost");
  assert.equal(failureOfClose(1006, false), "server_gone");
  for (const code of [1001, 1011, 1013, 4000, 4001, 4004, 4008, 4029]) {
    assert.ok(new Words("en").has(`failure.${failureOfClose(code, true)}`), String(code));
  }
  for (const status of [0, 401, 403, 421, 429, 500, 503]) {
    assert.ok(new Words("en").has(`failure.${failureOfStatus(status)}`), String(status));
  }
  assert.equal(failureOfStatus(200), null);
});
