import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { MemoryView } from "../../../web/page/js/memory-view.js";

const LINE = { line_id: "call_1.1", topic: "Concern", text: "the exam", said_at: "2026-03-05T10:00:00Z" };

/** As much of an element as the view touches; node has none. */
class Element {
  children = [];
  hidden = true;
  value = "";
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
  replaceWith(other) {
    this.replaced = other;
  }
}

let elements, view, works, announced, alerts;

const at = (id) => (elements[id] ??= new Element());
const line = () => at("memory-lines").children[0].children[1];

beforeEach(async () => {
  [elements, works, announced, alerts] = [{}, false, [], []];
  const page = { getElementById: at, createElement: () => new Element(), defaultView: { confirm: () => true } };
  const memory = {
    lines: async () => [LINE],
    correct: async () => works,
    forgetLine: async () => works,
    forget: async () => works,
  };
  const does = { announce: (key) => announced.push(key), alert: (key) => alerts.push(key), forgotten() {} };
  view = new MemoryView(page, { say: (key) => key, locale: "en" }, memory, does);
  await view.open(new Element());
});

const correct = async () => {
  const shown = line();
  shown.children[2].click();
  await shown.replaced.submit({ preventDefault() {} });
};

for (const [what, act, done] of [
  ["a correction", correct, "memory.corrected"],
  ["forgetting a line", () => line().children[3].click(), "memory.forgotten_line"],
  ["forgetting everything", () => at("memory-forget").click(), "memory.forgotten"],
]) {
  test(`${what} that fails is told to everybody, until it succeeds`, async () => {
    await act();
    assert.deepEqual([alerts, announced], [["record.failed"], []]);
    works = true;
    await act();
    assert.deepEqual([alerts.at(-1), announced], [null, [done]]);
  });
}
