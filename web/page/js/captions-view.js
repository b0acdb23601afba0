/** Captions on the page: one list item a line, followed as long as the reader stays at the end. */

import { seconds, waterfall } from "./latency.js";

const SVG = "http://www.w3.org/2000/svg";
const NEAR_END_PX = 80;

export class CaptionsView {
  /**
   * @param {Document} page
   * @param {import("./i18n.js").Words} words
   */
  constructor(page, words) {
    this._page = page;
    this._words = words;
    this._list = page.getElementById("captions");
    this._empty = page.getElementById("captions-empty");
    this._scroll = page.getElementById("captions-scroll");
    this._latest = page.getElementById("latest");
    this._items = new Map();
    this._following = true;
    this._scroll.addEventListener("scroll", () => this._noteScroll());
    this._latest.addEventListener("click", () => this._toEnd());
  }

  clear() {
    this._items.clear();
    this._list.replaceChildren();
    this._empty.hidden = false;
    this._latest.hidden = true;
    this._following = true;
  }

  /** Show one line as it is now. */
  show(line) {
    if (line.gone) {
      this._items.get(line.id)?.remove();
      this._items.delete(line.id);
      return;
    }
    const text = line.text || line.unstable;
    if (!text) return;
    let item = this._items.get(line.id);
    if (!item) {
      item = this._newItem(line);
      this._items.set(line.id, item);
      this._list.insertBefore(item, this._after(line.order));
      this._empty.hidden = true;
    }
    item.dataset.done = String(Boolean(line.done));
    this._fill(item.querySelector(".text"), line);
    if (line.marksMs) this._latency(item, line);
    if (this._following) this._toEnd();
    else this._latest.hidden = false;
  }

  /** The first item of a line that began later, or null. */
  _after(order) {
    return [...this._list.children].find((item) => Number(item.dataset.order) > order) ?? null;
  }

  _newItem(line) {
    const item = this._element("li", "line");
    item.dataset.order = line.order;
    item.dataset.who = line.who;
    if (line.who !== "note") {
      const who = this._element("div", "who");
      who.append(this._element("span", "", this._words.say(line.who === "caller" ? "call.you" : "call.bot")));
      item.append(who);
    }
    item.append(this._element("p", "text"));
    return item;
  }

  _fill(paragraph, line) {
    const parts = [];
    if (line.who === "note") {
      const key = line.bot ? "call.acknowledgement" : "call.backchannel";
      parts.push(this._words.say(key, { text: line.text }));
    } else if (line.who === "caller") {
      parts.push(line.text);
      if (line.unstable) parts.push(this._element("span", "unstable", line.unstable));
    } else {
      const heard = line.done && line.status === "completed" ? line.text.length : line.heard;
      parts.push(line.text.slice(0, heard));
      const rest = line.text.slice(heard);
      if (rest && !line.done) parts.push(this._element("span", "coming", rest));
      if (rest && line.done) parts.push(...this._cut(rest));
    }
    paragraph.replaceChildren(...parts);
  }

  /** The part of a reply that was cut off: struck through, and said so in words. */
  _cut(rest) {
    const unheard = this._element("del", "unheard", rest);
    const note = this._element("span", "cut", this._words.say("call.heard_note"));
    return [unheard, note];
  }

  _latency(item, line) {
    if (item.querySelector(".latency") || line.latencyMs == null) return;
    const secs = seconds(line.latencyMs, this._words.locale);
    const details = this._element("details", "latency");
    const summary = this._element("summary", "", this._words.say("latency.short", { secs }));
    summary.setAttribute("aria-label", this._words.say("latency.label", { secs }));
    details.append(summary);
    details.addEventListener("toggle", () => {
      if (details.open && !item.querySelector(".waterfall")) item.append(this._waterfall(line));
      else if (!details.open) item.querySelector(".waterfall")?.remove();
    });
    item.querySelector(".who").append(details);
  }

  _waterfall(line) {
    const box = this._element("div", "waterfall");
    const table = this._element("table");
    table.append(this._element("caption", "unseen", this._words.say("latency.title")));
    for (const row of waterfall(line.marksMs)) {
      const cells = this._element("tr");
      const name = this._element("th", "", this._words.say(`latency.${row.mark}`));
      name.scope = "row";
      const bar = this._element("td");
      bar.append(this._bar(row));
      cells.append(name, bar, this._element("td", "", this._words.say("latency.ms", { ms: Math.round(row.toMs) })));
      table.append(cells);
    }
    box.append(this._element("p", "", this._words.say("latency.title")), table);
    if (line.bufferMs) {
      box.append(this._element("p", "", this._words.say("latency.page", { ms: Math.round(line.bufferMs) })));
    }
    return box;
  }

  _bar({ from, share }) {
    const svg = this._page.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 100 4");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    for (const [kind, x, width] of [["ground", 0, 100], ["bar", Math.min(from, 99), Math.max(share, 1)]]) {
      const rectangle = this._page.createElementNS(SVG, "rect");
      rectangle.setAttribute("class", kind);
      rectangle.setAttribute("x", x);
      rectangle.setAttribute("width", width);
      rectangle.setAttribute("height", 4);
      svg.append(rectangle);
    }
    return svg;
  }

  _noteScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this._scroll;
    this._following = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    if (this._following) this._latest.hidden = true;
  }

  _toEnd() {
    this._following = true;
    this._latest.hidden = true;
    this._scroll.scrollTop = this._scroll.scrollHeight;
  }

  _element(name, className = "", text = "") {
    const element = this._page.createElement(name);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  }
}
