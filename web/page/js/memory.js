/**
 * What the server remembers of this browser's caller, if they wanted it. No DOM.
 *
 * The tag is the only way to find it: made up here, kept in this browser, sent in a header or a
 * subprotocol and never in an address. Without one there is nothing to see.
 */

const TAG_BYTES = 24; // 192 bits; the server wants at least 128

export class Memory {
  /**
   * @param {object} preferences of this browser: "rememberMe" and "memoryTag"
   * @param {typeof fetch} ask
   */
  constructor(preferences, ask = (...request) => fetch(...request)) {
    this._preferences = preferences;
    this._ask = ask;
    this.key = null; // of the server, where it needs one
  }

  /** Whether the next call may be remembered. */
  get wanted() {
    return this._preferences.get("rememberMe");
  }

  set wanted(wanted) {
    this._preferences.set("rememberMe", wanted); // first: now a tag of another tab is known, too
    if (wanted && !this._preferences.get("memoryTag")) this._preferences.set("memoryTag", newTag());
  }

  /** What a call is opened with: the tag, or null for one that is not to be remembered. */
  get tag() {
    return this.wanted ? this._preferences.get("memoryTag") : null;
  }

  /**
   * @param {string} locale language of the topics
   * @returns {Promise<?{line_id: string, topic: string, text: string, said_at: string}[]>} null when it cannot be told
   */
  async lines(locale) {
    if (!this._preferences.get("memoryTag")) return [];
    const answer = await this._request("GET", `?locale=${locale}`);
    return answer?.ok ? (await answer.json()).lines : null;
  }

  /** @returns {Promise<boolean>} whether the line now says `text`; empty text takes it out */
  async correct(lineId, text) {
    return this._done(await this._request("PUT", `/${encodeURIComponent(lineId)}`, { text }));
  }

  /** @returns {Promise<boolean>} whether the line is gone */
  async forgetLine(lineId) {
    return this._done(await this._request("DELETE", `/${encodeURIComponent(lineId)}`));
  }

  /** @returns {Promise<boolean>} whether everything is gone; then the tag is as well */
  async forget() {
    const done = this._done(await this._request("DELETE", ""));
    if (done) {
      this._preferences.set("memoryTag", null);
      this._preferences.set("rememberMe", false);
    }
    return done;
  }

  _done(answer) {
    return answer?.ok ?? false;
  }

  async _request(method, rest, body) {
    const headers = { "qingting-caller": this._preferences.get("memoryTag") };
    if (this.key) headers.authorization = `Bearer ${this.key}`;
    if (body) headers["content-type"] = "application/json";
    const request = { method, headers, cache: "no-store", body: body && JSON.stringify(body) };
    return this._ask(`/memory${rest}`, request).catch(() => null);
  }
}

function newTag() {
  const bytes = crypto.getRandomValues(new Uint8Array(TAG_BYTES));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}
