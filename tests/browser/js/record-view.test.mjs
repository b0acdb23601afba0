import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { RecordView } from "../../../web/page/js/record-view.js";

/** As much of an element as the view touches; node has none. */
class Element {
  children = [];
  hidden = true;
  textContent = "";
  setAttribute() {}
  addEventListener(kind, act) {
    this[kind] = act;
  }
  focus() {}
  append(...children) {
    this.children.push(...children);
  }
  replaceChildren(...children) {
    this.children = children;
  }
  get words() {
    return this.textContent + this.children.map((child) => child.words).join("");
  }
}

let elements, view, waited, asked, answers, announced, alerts, saved;

const at = (id) => (elements[id] ??= new Element());
const found = (record) => ({ ok: true, json: async () => record });
const missing = { ok: false, status: 404 };
const refused = (status, code) => ({ ok: false, status, json: async () => ({ error: { code } }) });
const told = (quote, ended) =>
  found({ fields: [{ name: "Concern", entries: [{ entry_id: 1, quote, when: "0:05" }] }], struck: 0, ended });

const strikeButton = () => at("record-fields").children[0].children[1].children[2];

beforeEach(() => {
  [elements, waited, asked, answers, announced, alerts, saved] = [{}, [], [], [], [], [], []];
  const page = { getElementById: at, createElement: () => new Element() };
  globalThis.fetch = async (path, request) => {
    asked.push({ path, ...request });
    const answer = await answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const does = {
    save: (blob) => saved.push(blob),
    announce: (key) => announced.push(key),
    alert: (key) => alerts.push(key),
  };
  view = new RecordView(page, { say: (key) => key }, does, async (ms) => waited.push(ms));
});

test("what is taken down after the caller hung up is shown too", async () => {
  answers = [missing, told("I hurt", false), told("I hurt a lot", true)];
  await view.open("call_1", "of-the-server");
  assert.match(at("record-fields").words, /I hurt a lot/);
  assert.equal(at("record").hidden, false);
  assert.equal(asked.length, 3);
  assert.equal(asked[2].headers.authorization, "Bearer of-the-server");
});

test("a call without a record is given up after some seconds", async () => {
  answers = [missing, missing, missing, missing, missing, told("too late", true)];
  await view.open("call_1");
  assert.equal(at("record").hidden, true);
  assert.deepEqual(waited, [0, 300, 700, 2_000, 5_000]);
});

test("a record that has been put away is not shown again", async () => {
  answers = [told("I hurt", false), told("I hurt", true)];
  const opened = view.open("call_1");
  view.hide();
  await opened;
  assert.equal(at("record").hidden, true);
});

test("nobody brings back on the page what was struck while it looked again", async () => {
  let answerLate;
  answers = [told("I hurt", false), new Promise((done) => (answerLate = done))];
  const opened = view.open("call_1");
  while (asked.length < 2) await null;
  answers.push(found({ fields: [], struck: 1, ended: true }));
  strikeButton().click();
  while (announced.length === 0) await null;
  answerLate(told("I hurt", true));
  await opened;
  assert.deepEqual(announced, ["record.struck"]);
  assert.equal(at("record-fields").words, "");
});

for (const [what, answer, why] of [
  ["the server is gone", new TypeError("gone"), "failure.server_gone"],
  ["its time is over", refused(404, "not_found"), "record.gone"],
  ["the call is still read", refused(409, "call_not_ended"), "record.not_ended"],
  ["the file could not be rebuilt", refused(409, "store_error"), "record.not_struck"],
  ["the server fails", refused(500), "record.failed"],
]) {
  test(`a strike that fails because ${what} is told to everybody, until one succeeds`, async () => {
    answers = [told("I hurt", true)];
    await view.open("call_1");
    answers = [answer];
    await strikeButton().click();
    assert.deepEqual([alerts, announced], [[why], []]);
    assert.equal(strikeButton().disabled, false);
    answers = [found({ fields: [], struck: 1, ended: true })];
    await strikeButton().click();
    assert.deepEqual([alerts.at(-1), announced], [null, ["record.struck"]]);
  });
}

test("a server that makes no PDF says what can be saved instead", async () => {
  answers = [told("I hurt", true), refused(501, "config_error")];
  await view.open("call_1");
  await at("record-pdf").click();
  assert.deepEqual([alerts, saved], [["record.no_pdf"], []]);
  answers = [{ ok: true, blob: async () => "a page" }];
  await at("record-html").click();
  assert.deepEqual([alerts.at(-1), saved], [null, ["a page"]]);
});
