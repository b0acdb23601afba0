/** What was taken down of the call, for the caller to see and strike out before a counsellor does. */

import { failureOfRecord } from "./failures.js";

// Between one look and the next: after a call the server still reads what was said last.
const LATER_MS = [0, 300, 700, 2_000, 5_000];

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export class RecordView {
  /**
   * @param {Document} page
   * @param {object} words
   * @param {object} does
   * @param {(blob: Blob, suffix: string) => void} does.save
   * @param {(key: string) => void} does.announce
   * @param {(key: ?string) => void} does.alert to everybody; null takes the last one back
   * @param {(ms: number) => Promise<void>} later
   */
  constructor(page, words, does, later = pause) {
    this._page = page;
    this._words = words;
    this._does = does;
    this._later = later;
    this._box = page.getElementById("record");
    this._list = page.getElementById("record-fields");
    for (const form of ["html", "pdf"]) {
      page.getElementById(`record-${form}`).addEventListener("click", () => this._save(form));
    }
  }

  hide() {
    this._looking = null;
    this._box.hidden = true;
    this._list.replaceChildren();
  }

  /** Show the record of a call, if the server takes one down, until nothing is added any more. */
  async open(callId, key) {
    this.hide();
    this._path = `/intake/${encodeURIComponent(callId)}`;
    this._headers = key ? { authorization: `Bearer ${key}` } : {};
    const looking = (this._looking = Symbol("looking"));
    for (const laterMs of LATER_MS) {
      await this._later(laterMs);
      if (this._looking !== looking) return; // hidden, struck from, or another call's
      const answer = await this._ask(this._path);
      const record = answer?.ok ? await answer.json() : null;
      if (this._looking !== looking) return;
      if (record) this._show(record);
      if (record?.ended) return;
    }
  }

  /** @param {{fields: {name: string, entries: {entry_id: number, quote: string, when: string}[]}[]}} record */
  _show({ fields, struck }) {
    this._list.replaceChildren(...fields.map((field) => this._field(field)));
    this._box.hidden = fields.length === 0 && struck === 0;
    this._page.getElementById("record-empty").hidden = fields.length > 0;
  }

  _field({ name, entries }) {
    const group = this._page.createElement("li");
    const heading = this._page.createElement("h3");
    heading.textContent = name;
    group.append(heading, ...entries.map((entry) => this._entry(entry)));
    return group;
  }

  _entry({ entry_id: id, quote, when }) {
    const line = this._page.createElement("p");
    const time = this._page.createElement("span");
    time.className = "record-when";
    time.textContent = when;
    const said = this._page.createElement("q");
    said.textContent = quote;
    const strike = this._page.createElement("button");
    strike.type = "button";
    strike.className = "quiet";
    strike.textContent = this._words.say("record.strike");
    strike.setAttribute("aria-label", this._words.say("record.strike_this", { quote }));
    strike.addEventListener("click", () => this._strike(id, strike));
    line.append(time, said, strike);
    return line;
  }

  async _strike(id, button) {
    button.disabled = true;
    const answer = await this._ask(`${this._path}/strike`, {
      method: "POST",
      headers: { ...this._headers, "content-type": "application/json" },
      body: JSON.stringify({ entries: [id] }),
    });
    if (!answer?.ok) {
      button.disabled = false;
      await this._explain(answer);
      return;
    }
    this._looking = null;
    this._does.alert(null);
    this._show(await answer.json());
    this._page.getElementById("record-heading").focus();
    this._does.announce("record.struck");
  }

  async _save(form) {
    const answer = await this._ask(`${this._path}/sheet?form=${form}`);
    if (!answer?.ok) {
      await this._explain(answer);
      return;
    }
    this._does.alert(null);
    this._does.save(await answer.blob(), form);
  }

  async _explain(answer) {
    const told = await answer?.json().catch(() => null);
    this._does.alert(failureOfRecord(answer?.status ?? 0, told?.error?.code));
  }

  async _ask(path, options = { headers: this._headers }) {
    return fetch(path, { cache: "no-store", ...options }).catch(() => null);
  }
}
