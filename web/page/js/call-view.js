/** The call as it is seen: orb, state, clock, level, controls. */

import { CaptionsView } from "./captions-view.js";

const LEVEL_STEP = 0.02; // smaller changes are not drawn
// Safari ends a composition before the key that confirmed it arrives, which only its code then tells.
const COMPOSING_KEY = 229;
const CONFIRMED_MS = 500; // some keyboards give every key that code, also long after

export class CallView {
  /**
   * @param {Document} page
   * @param {import("./i18n.js").Words} words
   * @param {{mute: Function, silence: Function, type: Function, hangUp: Function}} wishes
   */
  constructor(page, words, wishes) {
    const by = (id) => page.getElementById(id);
    this._words = words;
    this._wishes = wishes;
    this._orb = by("orb");
    this._state = by("state");
    this._clock = by("clock");
    this._level = by("level");
    this._mute = by("mute");
    this._silence = by("silence");
    this._typing = by("typing");
    this._type = by("type");
    this._message = by("message");
    this._composedAt = -Infinity; // in ms, on the clock of the page's events
    this._announcer = by("announcer");
    this.captions = new CaptionsView(page, words);
    this._mute.addEventListener("click", () => wishes.mute());
    this._silence.addEventListener("click", () => wishes.silence());
    by("hang-up").addEventListener("click", () => wishes.hangUp());
    this._type.addEventListener("click", () => this.openTyping(this._typing.hidden));
    this._typing.addEventListener("submit", (event) => this._sendTyped(event));
    this._message.addEventListener("compositionend", (event) => (this._composedAt = event.timeStamp));
    this._message.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !this._composes(event)) this._sendTyped(event);
    });
  }

  begin(startedAt) {
    this.captions.clear();
    this.openTyping(false, false);
    this._drawnLevel = -1;
    this.level(0);
    clearInterval(this._ticking);
    this._ticking = setInterval(() => this._tick(startedAt), 1000);
    this._tick(startedAt);
  }

  end() {
    clearInterval(this._ticking);
  }

  /** @param {string} state a call's state, or "hearing" or "muted" on top of it */
  state(state) {
    this._orb.dataset.state = state;
    this._state.textContent = this._words.say(`state.${state}`);
  }

  level(level) {
    if (Math.abs(level - this._drawnLevel) < LEVEL_STEP) return;
    this._drawnLevel = level;
    this._orb.style.setProperty("--level", level.toFixed(2));
    this._level.style.setProperty("--level", level.toFixed(2));
    this._level.setAttribute("aria-valuenow", Math.round(level * 100));
  }

  muted(muted, hasMicrophone) {
    this._mute.setAttribute("aria-pressed", String(muted));
    this._label(this._mute, hasMicrophone ? (muted ? "call.unmute" : "call.mute") : "call.microphone_on");
  }

  silent(silent) {
    this._silence.setAttribute("aria-pressed", String(silent));
    this._label(this._silence, silent ? "call.unsilence" : "call.silence");
  }

  openTyping(open, focus = true) {
    this._typing.hidden = !open;
    this._type.setAttribute("aria-pressed", String(open));
    this._type.setAttribute("aria-expanded", String(open));
    if (open && focus) this._message.focus();
  }

  /** Say something to people who do not see the page. */
  announce(text) {
    this._announcer.textContent = text;
  }

  _label(button, key) {
    const label = button.querySelector("span");
    label.dataset.text = key;
    label.textContent = this._words.say(key);
  }

  /** Whether a key is the input method's: it confirms pinyin or zhuyin, and sends nothing. */
  _composes({ isComposing, keyCode, timeStamp }) {
    return isComposing || (keyCode === COMPOSING_KEY && timeStamp - this._composedAt < CONFIRMED_MS);
  }

  _sendTyped(event) {
    event.preventDefault();
    const text = this._message.value.trim();
    if (!text) return;
    this._message.value = "";
    this._wishes.type(text);
  }

  _tick(startedAt) {
    const secs = Math.max(0, Math.floor((Date.now() - startedAt) / 1000));
    this._clock.textContent = `${Math.floor(secs / 60)}:${String(secs % 60).padStart(2, "0")}`;
    this._clock.dateTime = `PT${secs}S`;
  }
}
