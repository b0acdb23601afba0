/**
 * The Realtime protocol over one WebSocket after another.
 *
 * A lost socket is opened again, with the call's token and the number of the last event
 * seen; the server sends what was missed. Events go to `onEvent`, changes of the connection
 * to `onState`.
 *
 *     connecting ──▶ open ──lost──▶ reconnecting ──▶ open
 *                     └─────────────────┴──▶ closed (with a code, or 0 for "never reached")
 */

const BEAT_MS = 4_000;
const SILENCE_MS = 9_000; // two beats without any answer: the socket is half open
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;
const SOUND = "input_audio_buffer.append";
const MOST_SOUND_WAITING = 150; // chunks kept while there is no connection: three seconds
const MISSED_PONG = "keepalive ping timeout"; // the server's words; its own failures say others
const FINAL_CODES = new Set([1000, 1001, 1003, 1009, 1011, 1013, 4000, 4001, 4004, 4029]);

export class Wire {
  /**
   * @param {object} options
   * @param {string} options.url ws: or wss:
   * @param {string} [options.key] API key, where the server needs one
   * @param {{token: string, seen: number}} [options.resume] a call of an earlier page
   * @param {string} [options.memoryTag] under which the caller wants to be remembered
   * @param {(event: object) => void} options.onEvent
   * @param {(state: string, detail?: {code: number, error: ?object}) => void} options.onState
   * @param {typeof WebSocket} [options.Socket] and timers, for tests
   */
  constructor({ url, key, resume, memoryTag, onEvent, onState, Socket = WebSocket, timers = globalThis }) {
    this._url = url;
    this._key = key;
    this._memoryTag = memoryTag;
    this._onEvent = onEvent;
    this._onState = onState;
    this._Socket = Socket;
    this._timers = timers;
    this._token = resume?.token ?? null;
    this._seen = resume?.seen ?? 0;
    this._resumeSecs = 120;
    this._waiting = [];
    this._lostAt = null;
    this._retryMs = FIRST_RETRY_MS;
    this._error = null;
    this._closed = false;
    this._welcomed = false;
  }

  /** What another page needs to go on with this call, or null. */
  get ticket() {
    return this._token && { token: this._token, seen: this._seen };
  }

  open() {
    if (this._closed) return;
    this._welcomed = false;
    const protocols = ["realtime"];
    if (this._key) protocols.push(`openai-insecure-api-key.${this._key}`);
    if (this._token) protocols.push(`qingting-resume.${this._token}.${this._seen}`);
    else if (this._memoryTag) protocols.push(`qingting-memory.${this._memoryTag}`);
    const socket = new this._Socket(this._url, protocols);
    this._socket = socket;
    this._heardAt = this._timers.performance.now();
    socket.onmessage = (message) => socket === this._socket && this._take(message.data);
    socket.onclose = ({ code, reason }) => {
      if (socket === this._socket) this._lost(reason === MISSED_PONG ? 1006 : code);
    };
  }

  /** Send one event; without a connection it waits, of the microphone's chunks the newest. */
  send(event) {
    if (this._closed) return;
    if (this._welcomed && this._socket.readyState === 1) {
      this._socket.send(JSON.stringify(event));
      return;
    }
    this._waiting.push(event);
    const sound = this._waiting.filter(({ type }) => type === SOUND);
    if (sound.length > MOST_SOUND_WAITING) this._waiting.splice(this._waiting.indexOf(sound[0]), 1);
  }

  /** End the call for good. */
  hangUp() {
    this._finish(1000);
  }

  /** The browser says that the network has changed: do not wait for the heartbeat. */
  suspect() {
    if (!this._closed && this._welcomed) this._drop();
    else if (!this._closed && this._retry) {
      this._timers.clearTimeout(this._retry);
      this._retry = null;
      this.open();
    }
  }

  _take(text) {
    this._heardAt = this._timers.performance.now();
    const event = JSON.parse(text);
    // A refusal is no welcome; the close that follows it has its code.
    const isWelcome = !this._welcomed && event.type !== "error";
    if (isWelcome) this._welcome();
    const number = Number(event.event_id?.replace("event_", ""));
    if (number > this._seen && event.type !== "error") this._seen = number;
    if (event.type === "error") this._error = event.error;
    if (event.type === "qingting.hello" && event.resume_token) {
      this._token = event.resume_token;
      this._resumeSecs = event.resume_secs;
    }
    this._onEvent(event);
    // The answer to the welcome goes first: it says what the sound that waits is made of.
    if (isWelcome) this._flush();
  }

  _welcome() {
    this._welcomed = true;
    this._lostAt = null;
    this._retryMs = FIRST_RETRY_MS;
    this._timers.clearInterval(this._beat);
    this._beat = this._timers.setInterval(() => this._heartbeat(), BEAT_MS);
    this._onState("open");
  }

  _flush() {
    const waiting = this._waiting;
    this._waiting = [];
    for (const each of waiting) this.send(each);
  }

  _heartbeat() {
    if (this._timers.performance.now() - this._heardAt > SILENCE_MS) this._drop();
    else this.send({ type: "qingting.ping" });
  }

  /** Give a socket up without waiting for its close handshake, which may take a minute. */
  _drop() {
    const socket = this._socket;
    this._socket = null;
    socket.close(4002);
    this._lost(1006);
  }

  _lost(code) {
    this._timers.clearInterval(this._beat);
    this._welcomed = false;
    const now = this._timers.performance.now();
    this._lostAt ??= now;
    const hopeless = !this._token || FINAL_CODES.has(code);
    if (hopeless || now - this._lostAt > this._resumeSecs * 1000) {
      this._finish(code);
      return;
    }
    this._onState("reconnecting");
    this._retry = this._timers.setTimeout(() => {
      this._retry = null;
      this.open();
    }, this._retryMs);
    this._retryMs = Math.min(LONGEST_RETRY_MS, this._retryMs * 2);
  }

  _finish(code) {
    if (this._closed) return;
    this._closed = true;
    this._timers.clearInterval(this._beat);
    this._timers.clearTimeout(this._retry);
    const socket = this._socket;
    this._socket = null;
    if (socket && socket.readyState < 2) socket.close(1000);
    this._onState("closed", { code, error: this._error });
  }
}
