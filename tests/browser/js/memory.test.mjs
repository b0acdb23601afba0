import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Memory } from "../../../web/page/js/memory.js";
import { Preferences } from "../../../web/page/js/preferences.js";
import { Storage } from "./storage.mjs";

const LINE = { line_id: "call_1.2", topic: "Concern", text: "the exam", said_at: "2026-03-05T10:00:00Z" };

let storage, preferences, asked, answer, memory;

beforeEach(() => {
  storage = new Storage();
  preferences = new Preferences(storage, new Storage());
  asked = [];
  answer = { ok: true, json: async () => ({ lines: [LINE] }) };
  memory = new Memory(preferences, async (path, request) => {
    asked.push({ path, ...request });
    if (answer instanceof Error) throw answer;
    return answer;
  });
});

test("who has not asked to be remembered has no tag, and nothing is asked of the server", async () => {
  assert.equal(memory.wanted, false);
  assert.equal(memory.tag, null);
  assert.deepEqual(await memory.lines("en"), []);
  assert.equal(asked.length, 0);
});

test("a tag is long, random, fit for a header, and stays", () => {
  memory.wanted = true;
  const tag = memory.tag;
  assert.match(tag, /^[A-Za-z0-9_-]{32}$/);
  assert.equal(new Memory(new Preferences(storage, new Storage())).tag, tag);
  const other = new Memory(new Preferences(new Storage(), new Storage()));
  other.wanted = true;
  assert.notEqual(other.tag, tag);
});

test("two tabs have one tag, whichever made it up", () => {
  const other = new Memory(new Preferences(storage, new Storage()));
  memory.wanted = true;
  other.wanted = true;
  assert.equal(other.tag, memory.tag);
});

test("a caller who wants it no longer calls without a tag, and still sees what is there", async () => {
  memory.wanted = true;
  memory.wanted = false;
  assert.equal(memory.tag, null);
  assert.deepEqual(await memory.lines("en"), [LINE]);
});

test("the tag travels in a header, never in an address", async () => {
  memory.wanted = true;
  memory.key = "of-the-server";
  await memory.lines("zh-Hant");
  const [{ path, headers }] = asked;
  assert.equal(path, "/memory?locale=zh-Hant");
  assert.equal(headers["qingting-caller"], memory.tag);
  assert.equal(headers.authorization, "Bearer of-the-server");
});

test("lines are corrected and forgotten by their id", async () => {
  memory.wanted = true;
  assert.equal(await memory.correct("call_1.2", "the two exams"), true);
  assert.equal(await memory.forgetLine("call_1.2"), true);
  assert.deepEqual(asked.map(({ method, path, body }) => [method, path, body]), [
    ["PUT", "/memory/call_1.2", '{"text":"the two exams"}'],
    ["DELETE", "/memory/call_1.2", undefined],
  ]);
});

test("forgetting everything forgets the tag as well", async () => {
  memory.wanted = true;
  const tag = memory.tag;
  assert.equal(await memory.forget(), true);
  assert.equal(asked[0].headers["qingting-caller"], tag);
  assert.equal(memory.wanted, false);
  memory.wanted = true;
  assert.notEqual(memory.tag, tag);
});

for (const [what, failure] of [["is gone", new TypeError("gone")], ["refuses", { ok: false }]]) {
  test(`a server that ${what} has done nothing, and the tag is kept`, async () => {
    memory.wanted = true;
    answer = failure;
    assert.equal(await memory.lines("en"), null);
    assert.equal(await memory.correct("call_1.2", "x"), false);
    assert.equal(await memory.forget(), false);
    assert.equal(memory.wanted, true);
  });
}
