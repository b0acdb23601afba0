/** The settings dialog, and what its choices do to the page. */

import { devices } from "./audio.js";
import { LOCALES, chooseLocale } from "./i18n.js";

const THEME_COLOURS = { light: "#f5f2ea", dark: "#111716" };

export class Settings {
  /**
   * @param {Document} page
   * @param {import("./i18n.js").Words} words
   * @param {import("./preferences.js").Preferences} preferences
   * @param {(name: string, value: unknown) => void} onChange after a choice was stored
   */
  constructor(page, words, preferences, onChange) {
    this._page = page;
    this._words = words;
    this._preferences = preferences;
    this._onChange = onChange;
    this._dialog = page.getElementById("settings");
    this._fields = [];
    this._systemDark = matchMedia("(prefers-color-scheme: dark)");
    this._systemDark.addEventListener("change", () => this._applyLook());
    page.getElementById("open-settings").addEventListener("click", () => this._open());
    this._dialog.addEventListener("click", (event) => {
      if (event.target === this._dialog) this._dialog.close();
    });
    this._bindChoice("microphone", "microphone", (value) => value || null);
    this._bindChoice("speaker", "speaker", (value) => value || null);
    this._bindChoice("caption-size", "captionSize", Number);
    this._bindChoice("theme", "theme", String);
    this._bindTick("pause-at-once", "pauseAtOnce");
    this._bindTick("keep-recording", "keepRecording");
    this._bindChoice("locale", "locale", String);
    this.show();
  }

  /** @returns {string} the language chosen, or the browser's */
  get locale() {
    const chosen = this._preferences.get("locale");
    return chosen in LOCALES ? chosen : chooseLocale(navigator.languages);
  }

  /** Put the choices where they are seen. */
  show() {
    for (const show of this._fields) show();
    this._applyLook();
  }

  _bindChoice(id, name, parse) {
    const field = this._page.getElementById(id);
    this._fields.push(() => {
      field.value = id === "locale" ? this.locale : String(this._preferences.get(name) ?? "");
    });
    field.addEventListener("change", () => this._set(name, parse(field.value)));
  }

  _bindTick(id, name) {
    const field = this._page.getElementById(id);
    this._fields.push(() => (field.checked = this._preferences.get(name)));
    field.addEventListener("change", () => this._set(name, field.checked));
  }

  _set(name, value) {
    this._preferences.set(name, value);
    this._applyLook();
    this._onChange(name, value);
  }

  _applyLook() {
    const theme = this._preferences.get("theme");
    const look = theme === "auto" ? (this._systemDark.matches ? "dark" : "light") : theme;
    const root = this._page.documentElement;
    root.dataset.theme = look;
    root.dataset.captionSize = this._preferences.get("captionSize");
    this._page.querySelector("meta[name=theme-color]").content = THEME_COLOURS[look];
  }

  async _open() {
    await Promise.all([
      this._list("microphone", "audioinput", "microphone"),
      this._list("speaker", "audiooutput", "speaker"),
    ]);
    const canChoose = "setSinkId" in AudioContext.prototype;
    this._page.getElementById("speaker-field").hidden = !canChoose;
    this._dialog.showModal();
  }

  async _list(id, kind, name) {
    const field = this._page.getElementById(id);
    const found = (await devices(kind)).filter((device) => device.deviceId !== "default");
    const choices = [new Option(this._words.say("options.default_device"), "")];
    for (const [index, device] of found.entries()) {
      const unnamed = this._words.say("options.unnamed_device", { number: index + 1 });
      choices.push(new Option(device.label || unnamed, device.deviceId));
    }
    field.replaceChildren(...choices);
    field.value = this._preferences.get(name) ?? "";
    if (field.selectedIndex < 0) field.value = "";
  }
}
