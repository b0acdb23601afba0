/** What the caller agrees to by starting a call. */

export class Consent {
  /**
   * @param {Document} page
   * @param {import("./i18n.js").Words} words
   */
  constructor(page, words) {
    this._words = words;
    this._heading = page.getElementById("consent-heading");
    this._reach = page.getElementById("consent-reach");
    this._kept = page.getElementById("consent-recording");
    this._remember = page.getElementById("remember-field");
  }

  /** What stands on the page, to be compared: whoever starts a call agrees to this, and to no other. */
  get shown() {
    return [this._reach.dataset.text, this._kept.dataset.text, this._remember.hidden].join();
  }

  /** @param {{local: boolean, recorded: boolean, audio: boolean, memory: boolean}} told by the server */
  show(told) {
    this._say(this._reach, told.local ? "consent.stays" : "consent.leaves");
    this._say(this._kept, keptBy(told));
    this._remember.hidden = !told.memory;
  }

  /** Lead to the sentences, by sight and for screen readers. */
  focus() {
    this._heading.focus();
  }

  _say(element, key) {
    element.dataset.text = key;
    element.textContent = this._words.say(key);
  }
}

/** Which sentence tells what the server keeps of a call. */
function keptBy(told) {
  if (!told.recorded) return "consent.not_recorded";
  return told.audio ? "consent.recorded" : "consent.transcribed";
}
