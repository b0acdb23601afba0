import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { DEFAULTS, Preferences } from "../../../web/page/js/preferences.js";
import { Storage } from "./storage.mjs";

let storage;

const openTab = () => new Preferences(storage, new Storage());

beforeEach(() => (storage = new Storage()));

test("choices outlast the page", () => {
  openTab().set("theme", "dark");
  assert.equal(openTab().get("theme"), "dark");
});

test("a choice in one tab leaves alone what another has chosen since it was opened", () => {
  const [one, other] = [openTab(), openTab()];
  one.set("memoryTag", "tag");
  other.set("theme", "dark");
  assert.equal(openTab().get("memoryTag"), "tag");
  assert.equal(openTab().get("theme"), "dark");
  assert.equal(other.get("memoryTag"), "tag");
});

test("a tab goes by what another has chosen once it looks again", () => {
  const [one, other] = [openTab(), openTab()];
  one.set("theme", "dark");
  assert.equal(other.get("theme"), DEFAULTS.theme);
  other.refresh();
  assert.equal(other.get("theme"), "dark");
});

test("a storage that takes nothing forgets nothing of this page", () => {
  const refuse = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  storage.setItem = refuse;
  const tab = openTab();
  tab.set("theme", "dark");
  tab.set("captionSize", 2);
  assert.deepEqual([tab.get("theme"), tab.get("captionSize")], ["dark", 2]);
});

test("a browser that forbids its storage has a page that forgets, and works", () => {
  const forbid = () => {
    throw new DOMException("blocked", "SecurityError");
  };
  for (const name of ["localStorage", "sessionStorage"]) {
    Object.defineProperty(globalThis, name, { get: forbid, configurable: true });
  }
  try {
    const tab = new Preferences();
    tab.set("theme", "dark");
    tab.ticket = { token: "t" };
    assert.deepEqual([tab.get("theme"), tab.ticket], ["dark", null]);
  } finally {
    delete globalThis.localStorage;
    delete globalThis.sessionStorage;
  }
});
