/** What the page remembers: choices in this browser, the call's ticket in this tab only. */

const CHOICES = "qingting.choices";
const TICKET = "qingting.call";

export const DEFAULTS = Object.freeze({
  locale: null, // null: the browser's
  theme: "auto",
  captionSize: 1,
  microphone: null,
  speaker: null,
  pauseAtOnce: false,
  keepRecording: false,
  rememberMe: false,
  memoryTag: null, // made up when first wanted; who knows it sees what is remembered
});

function read(storage, name, fallback) {
  try {
    return JSON.parse(storage.getItem(name)) ?? fallback;
  } catch {
    return fallback; // storage switched off, or not ours
  }
}

function write(storage, name, value) {
  try {
    if (value === null) storage.removeItem(name);
    else storage.setItem(name, JSON.stringify(value));
  } catch {
    // without storage the page forgets, and works
  }
}

/** One of the browser's storages; null where the browser forbids even to name it. */
function storage(name) {
  try {
    return globalThis[name];
  } catch {
    return null;
  }
}

export class Preferences {
  constructor(local = storage("localStorage"), session = storage("sessionStorage")) {
    this._local = local;
    this._session = session;
    this.refresh();
  }

  /** Go by what is stored: another tab may have chosen since. */
  refresh() {
    this._choices = { ...DEFAULTS, ...read(this._local, CHOICES, this._choices) };
  }

  get(name) {
    return this._choices[name];
  }

  /** Change one choice, and leave the others as the tab that made them last has them. */
  set(name, value) {
    this.refresh();
    this._choices[name] = value;
    write(this._local, CHOICES, this._choices);
  }

  /** The call of this tab: {token, key, startedAt, help, typed}. */
  get ticket() {
    return read(this._session, TICKET, null);
  }

  set ticket(ticket) {
    write(this._session, TICKET, ticket);
  }
}
