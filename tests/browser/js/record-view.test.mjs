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

let elements, view, waited, asked, answers, announced;

const at = (id) => (elements[id] ??= new Element());
const found = (record) => ({ ok: true, json: async () => record });
const missing = { ok: false };
const told = (quote, ended) =>
  found({ fields: [{ name: "Concern", entries: [{ entry_id: 1, quote, when: "0:05" }] }], struck: 0, ended });

beforeEach(() => {
  [elements, waited, asked, answers, announced] = [{}, [], [], [], []];
  const page = { getElementById: at, createElement: () => new Element() };
  globalThis.fetch = async (path, request) => {
    asked.push({ path, ...request });
    return answers.shift();
  };
  const does = { save() {}, announce: (key) => announced.push(key) };
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
  const strike = at("record-fields").children[0].children[1].children[2];
  answers.push(found({ fields: [], struck: 1, ended: true }));
  strike.click();
  while (announced.length === 0) await null;
  answerLate(told("I hurt", true));
  await opened;
  assert.deepEqual(announced, ["record.struck"]);
  assert.equal(at("record-fields").words, "");
});
