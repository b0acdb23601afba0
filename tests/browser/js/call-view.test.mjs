import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { CallView } from "../../../web/page/js/call-view.js";

/** As much of an element as the view touches; node has none. */
class Element {
  heard = {};
  value = "";
  addEventListener(kind, act) {
    this.heard[kind] = act;
  }
}

let message, sent;

beforeEach(() => {
  const elements = {};
  const page = { getElementById: (id) => (elements[id] ??= new Element()) };
  sent = [];
  new CallView(page, { say: (key) => key }, { type: (text) => sent.push(text) });
  ({ message } = elements);
  message.value = "我很累";
});

const enter = (timeStamp, key = {}) =>
  message.heard.keydown({ key: "Enter", keyCode: 13, isComposing: false, timeStamp, preventDefault() {}, ...key });
const composed = (timeStamp) => message.heard.compositionend({ timeStamp });

test("Enter sends, with Shift it does not", () => {
  enter(0, { shiftKey: true });
  assert.deepEqual(sent, []);
  enter(0);
  assert.deepEqual(sent, ["我很累"]);
});

test("the Enter that confirms pinyin sends nothing where it comes within the composition", () => {
  enter(0, { isComposing: true, keyCode: 229 });
  assert.deepEqual(sent, []);
});

test("nor where it comes after its end, as in Safari; the next one sends", () => {
  composed(1_000);
  enter(1_001, { keyCode: 229 });
  assert.deepEqual(sent, []);
  enter(1_100);
  assert.deepEqual(sent, ["我很累"]);
});

test("a keyboard that gives every key the code of a composition can send", () => {
  composed(1_000);
  enter(2_000, { keyCode: 229 });
  assert.deepEqual(sent, ["我很累"]);
});
