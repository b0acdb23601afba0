import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Consent } from "../../../web/page/js/consent.js";

const TOLD = { local: true, recorded: false, audio: false, memory: false };

let elements, consent;

const at = (id) => (elements[id] ??= { dataset: {}, hidden: true, textContent: "" });

beforeEach(() => {
  elements = {};
  consent = new Consent({ getElementById: at }, { say: (key) => `say ${key}` });
});

for (const [what, told, reach, kept] of [
  ["keeps nothing", {}, "consent.stays", "consent.not_recorded"],
  ["keeps the words", { recorded: true }, "consent.stays", "consent.transcribed"],
  ["keeps the voices", { recorded: true, audio: true }, "consent.stays", "consent.recorded"],
  ["may use other computers", { local: false }, "consent.leaves", "consent.not_recorded"],
]) {
  test(`a server that ${what} is described as it is`, () => {
    consent.show({ ...TOLD, ...told });
    assert.deepEqual(
      [at("consent-reach"), at("consent-recording")].map(({ textContent }) => textContent),
      [`say ${reach}`, `say ${kept}`],
    );
  });
}

test("to be remembered can be chosen where the server offers it", () => {
  consent.show({ ...TOLD, memory: true });
  assert.equal(at("remember-field").hidden, false);
});

for (const change of [{ local: false }, { recorded: true }, { recorded: true, audio: true }, { memory: true }]) {
  test(`what is told anew is another thing to read: ${JSON.stringify(change)}`, () => {
    consent.show(TOLD);
    const read = consent.shown;
    consent.show({ ...TOLD });
    assert.equal(consent.shown, read);
    consent.show({ ...TOLD, ...change });
    assert.notEqual(consent.shown, read);
  });
}
