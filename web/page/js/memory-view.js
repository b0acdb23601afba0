/** What is remembered of the caller: shown before a call and after it, to correct and to forget. */

const LATER_MS = [0, 700, 2_000]; // a call that has just ended is written down a moment later

export class MemoryView {
  /**
   * @param {Document} page
   * @param {object} words
   * @param {import("./memory.js").Memory} memory
   * @param {object} does
   * @param {(key: string) => void} does.announce
   * @param {(key: ?string) => void} does.alert to everybody; null takes the last one back
   * @param {() => void} does.forgotten everything is gone
   */
  constructor(page, words, memory, does) {
    this._page = page;
    this._words = words;
    this._memory = memory;
    this._does = does;
    this._box = page.getElementById("memory");
    this._list = page.getElementById("memory-lines");
    page.getElementById("memory-forget").addEventListener("click", () => this._forget());
  }

  hide() {
    this._shown = null;
    this._box.hidden = true;
    this._list.replaceChildren();
  }

  /**
   * Show it as the last thing in an element.
   *
   * @param {Element} place
   * @param {?string} callId of a call that has just ended: wait a little for what it left
   */
  async open(place, callId = null) {
    this.hide();
    place.append(this._box);
    const shown = (this._shown = Symbol("showing"));
    for (const laterMs of callId ? LATER_MS : [0]) {
      await new Promise((done) => setTimeout(done, laterMs));
      const lines = await this._memory.lines(this._words.locale);
      if (this._shown !== shown) return; // another view has been opened meanwhile
      if (lines) this._show(lines);
      if (lines?.some((line) => line.line_id.startsWith(`${callId}.`))) return;
    }
  }

  _show(lines) {
    const calls = new Map(lines.map((line) => [line.said_at, []]));
    for (const line of lines) calls.get(line.said_at).push(line);
    this._list.replaceChildren(...[...calls].map(([saidAt, said]) => this._call(saidAt, said)));
    this._box.hidden = lines.length === 0;
  }

  _call(saidAt, lines) {
    const call = this._page.createElement("li");
    const day = this._page.createElement("h3");
    day.textContent = new Date(saidAt).toLocaleDateString(this._words.locale, { dateStyle: "long" });
    call.append(day, ...lines.map((line) => this._line(line)));
    return call;
  }

  _line({ line_id: id, topic, text }) {
    const line = this._page.createElement("p");
    const about = this._page.createElement("span");
    about.className = "memory-topic";
    about.textContent = topic;
    const said = this._page.createElement("q");
    said.textContent = text;
    line.append(
      about,
      said,
      this._button("memory.correct", text, () => this._edit(line, id, text)),
      this._button("memory.forget_line", text, (button) => this._forgetLine(button, id)),
    );
    return line;
  }

  _button(key, text, act) {
    const button = this._page.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = this._words.say(key);
    button.setAttribute("aria-label", this._words.say(`${key}_this`, { text }));
    button.addEventListener("click", () => act(button));
    return button;
  }

  /** Put a field in the place of a line. */
  _edit(line, id, text) {
    const form = this._page.createElement("form");
    form.className = "memory-edit";
    const field = this._page.createElement("input");
    field.value = text;
    field.maxLength = 300;
    field.setAttribute("aria-label", this._words.say("memory.correct_this", { text }));
    const save = this._page.createElement("button");
    save.className = "secondary";
    save.textContent = this._words.say("memory.save");
    form.append(field, save);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      save.disabled = true;
      const done = await this._memory.correct(id, field.value);
      save.disabled = false;
      await this._after(done, "memory.corrected");
    });
    line.replaceWith(form);
    field.focus();
  }

  async _forgetLine(button, id) {
    button.disabled = true;
    const done = await this._memory.forgetLine(id);
    button.disabled = false;
    await this._after(done, "memory.forgotten_line");
  }

  async _forget() {
    if (!this._page.defaultView.confirm(this._words.say("memory.really"))) return;
    const done = await this._memory.forget();
    if (done) this._does.forgotten();
    await this._after(done, "memory.forgotten");
  }

  async _after(done, key) {
    this._does.alert(done ? null : "record.failed");
    if (!done) return;
    this._does.announce(key);
    this._show((await this._memory.lines(this._words.locale)) ?? []);
    if (!this._box.hidden) this._page.getElementById("memory-heading").focus();
  }
}
