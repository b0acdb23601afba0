/** Joins the page: consent, call, and what comes after it. */

import { AudioFailure, openMicrophone, switchOff } from "./audio.js";
import { CallView } from "./call-view.js";
import { Call } from "./call.js";
import { transcriptText } from "./captions.js";
import { Consent } from "./consent.js";
import { failureOfClose, failureOfStatus } from "./failures.js";
import { HelpView } from "./help-view.js";
import { Words } from "./i18n.js";
import { MemoryView } from "./memory-view.js";
import { Memory } from "./memory.js";
import { Preferences } from "./preferences.js";
import { RecordView } from "./record-view.js";
import { Settings } from "./settings.js";

const by = (id) => document.getElementById(id);
const preferences = new Preferences();
const words = new Words("en");
const settings = new Settings(document, words, preferences, (name, value) => app.chose(name, value));

class App {
  constructor() {
    this.view = new CallView(document, words, {
      mute: () => this.toggleMute(),
      silence: () => this.toggleSilence(),
      type: (text) => this.call.type(text),
      hangUp: () => this.call.hangUp(),
    });
    this.help = new HelpView(document);
    this.consent = new Consent(document, words);
    this.record = new RecordView(document, words, {
      save: (blob, suffix) => this.save([blob], blob.type, suffix),
      announce: (key) => this.announce(key),
      alert: (key) => this.alert(key),
    });
    this.memory = new Memory(preferences);
    this.remembered = new MemoryView(document, words, this.memory, {
      announce: (key) => this.announce(key),
      alert: (key) => this.alert(key),
      forgotten: () => (by("remember").checked = false),
    });
    this.setLocale();
    by("remember").checked = this.memory.wanted;
    by("remember").addEventListener("change", () => (this.memory.wanted = by("remember").checked));
    by("begin").addEventListener("submit", (event) => {
      event.preventDefault();
      this.start({ withMicrophone: true });
    });
    by("start-typing").addEventListener("click", () => this.start({ withMicrophone: false }));
    by("go-on").addEventListener("click", () => this.goOn());
    by("leave").addEventListener("click", () => this.leave());
    by("start-again").addEventListener("click", () => this.show("welcome"));
    by("save-transcript").addEventListener("click", () => this.saveTranscript());
    by("save-recording").addEventListener("click", () => this.saveRecording());
    addEventListener("online", () => this.call?.suspect());
    addEventListener("pagehide", () => this.keepTicket());
    // A page that the browser had put aside was not told while it slept.
    for (const event of ["storage", "pageshow"]) addEventListener(event, () => this.choseElsewhere());
    // After a reload in a crisis the numbers are back before the call is.
    this.help.show(preferences.ticket?.help ?? []);
    this.show("welcome");
    this.ask();
  }

  // ---- before the call ----

  /** What the server says about itself; shown before consent, and asked again after a failure. */
  async ask(key = null) {
    const { status, told } = await fetchAccess(key);
    const failure = failureOfStatus(status);
    by("key-field").hidden = !(status === 401 || this.keyNeeded);
    this.keyNeeded ||= status === 401;
    if (told) {
      this.recorded = told.recorded;
      this.remembers = told.memory;
      this.memory.key = key;
      this.consent.show(told);
      this.showMemory();
    }
    return failure;
  }

  async start({ withMicrophone, ticket = null }) {
    this.alert(null);
    this.busy(true);
    const key = ticket?.key ?? (by("key").value.trim() || null);
    const read = this.consent.shown;
    try {
      const failure = await this.ask(key);
      if (failure) {
        this.alert(`failure.${failure}`);
        if (failure === "key_needed") by("key").focus();
        return;
      }
      if (!ticket && this.consent.shown !== read) {
        this.alert("consent.read_first");
        this.consent.focus();
        return;
      }
      if (withMicrophone) await this.beginSpeaking({ key, ticket });
      else await this.begin({ stream: null, key, ticket });
    } catch (error) {
      this.call?.hangUp(); // where it is not over yet
      this.view.end();
      this.show("welcome");
      this.alert(`failure.${error instanceof AudioFailure ? error.reason : "page_failed"}`);
      if (!(error instanceof AudioFailure)) throw error; // nobody expected it: to the console
    } finally {
      this.busy(false);
    }
  }

  /** Go on with the call of an earlier page, in the way it was led. */
  goOn() {
    const { ticket } = preferences;
    this.start({ withMicrophone: !ticket?.typed, ticket });
  }

  /** A new call needs its microphone; one that is under way goes on without it. */
  async beginSpeaking({ key, ticket }) {
    let stream = null;
    try {
      stream = await openMicrophone(preferences.get("microphone"));
      await this.begin({ stream, key, ticket });
    } catch (error) {
      if (stream) switchOff(stream);
      const underWay = ticket && preferences.ticket; // and not hung up meanwhile
      if (!underWay || !(error instanceof AudioFailure)) throw error;
      await this.begin({ stream: null, key, ticket });
      if (!this.call.over) this.alert(`failure.${error.reason}`);
    }
  }

  async begin({ stream, key, ticket }) {
    const startedAt = ticket?.startedAt ?? Date.now();
    this.key = key;
    this.startedAt = startedAt;
    this.wasOpen = false;
    this.call = new Call({
      url: `${location.origin.replace("http", "ws")}/v1/realtime?locale=${words.locale}`,
      key,
      ticket: ticket && { token: ticket.token, seen: 0 },
      memoryTag: this.remembers ? this.memory.tag : null,
      record: preferences.get("keepRecording"),
      tell: (kind, detail) => this[`on_${kind}`](detail),
    });
    this.helpLines = ticket?.help ?? [];
    this.help.show(this.helpLines);
    this.show("call");
    this.view.begin(startedAt);
    this.view.silent(false);
    this.silent = false;
    this.view.muted(false, stream !== null);
    this.on_state({ state: "connecting" });
    await this.call.start(stream);
    if (this.call.over) return; // hung up meanwhile
    if (preferences.get("speaker")) {
      await this.call.loudspeaker.use(preferences.get("speaker")).catch(() => {});
    }
    if (this.call.microphone) this.call.microphone.guard = preferences.get("pauseAtOnce");
    if (!stream) {
      this.view.openTyping(true);
      this.announce("notice.typed_only");
    }
  }

  /** End the call of an earlier page without going on with it. */
  async leave() {
    const ticket = preferences.ticket;
    preferences.ticket = null;
    this.show("welcome");
    const protocols = ["realtime", `qingting-resume.${ticket.token}.0`];
    if (ticket.key) protocols.push(`openai-insecure-api-key.${ticket.key}`);
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/v1/realtime`, protocols);
    socket.onopen = () => socket.close(1000);
  }

  // ---- what the call tells ----

  on_state({ state }) {
    const wasLost = this.state === "reconnecting";
    this.state = state;
    if (state !== "connecting" && state !== "reconnecting") {
      if (!this.wasOpen) this.announce("notice.connected");
      else if (wasLost) this.announce("notice.resumed");
      this.wasOpen = true;
      this.keepTicket();
    }
    if (state === "reconnecting") this.announce("state.reconnecting");
    if (state !== "listening") this.hears = false;
    this.showState();
  }

  on_line({ line }) {
    if (line.marksMs && this.call.bufferMs) line.bufferMs = this.call.bufferMs;
    this.view.captions.show(line);
    if (line.who === "bot" && line.done && this.silent) this.view.announce(line.text);
  }

  on_level({ level }) {
    this.view.level(level);
  }

  on_hearing({ speaking }) {
    this.hears = speaking;
    this.showState();
  }

  on_crisis({ lines }) {
    this.helpLines = lines;
    this.help.show(lines);
    this.keepTicket();
    this.announce("help.announced");
  }

  on_notice({ key }) {
    this.alert(`notice.${key}`);
  }

  on_ended({ code }) {
    preferences.ticket = null;
    this.view.end();
    const failure = failureOfClose(code, this.wasOpen);
    this.show(this.wasOpen ? "after" : "welcome");
    if (failure) this.explain(failure);
  }

  /** A closed handshake has no reason in a browser; HTTP has one. */
  async explain(failure) {
    if (failure !== "server_gone") return this.alert(`failure.${failure}`);
    const told = failureOfStatus((await fetchAccess(this.key)).status);
    return this.alert(`failure.${told ?? "full"}`);
  }

  // ---- what the caller wants ----

  async toggleMute() {
    const { call } = this;
    if (!call.hasMicrophone) {
      await this.takeMicrophone(call);
      return;
    }
    call.mute(!call.muted);
    this.view.muted(call.muted, true);
    this.announce(call.muted ? "notice.muted" : "notice.unmuted");
    this.showState();
  }

  /** Ask for a microphone in mid-call, once at a time: the browser's question takes a while. */
  async takeMicrophone(call) {
    if (this.asksForMicrophone) return;
    this.asksForMicrophone = true;
    try {
      await call.speakThrough(await openMicrophone(preferences.get("microphone")));
      if (call.over) return;
      call.microphone.guard = preferences.get("pauseAtOnce");
      this.view.muted(call.muted, true);
      this.alert(null);
    } catch (error) {
      if (!(error instanceof AudioFailure)) throw error;
      if (!call.over) this.alert(`failure.${error.reason}`);
    } finally {
      this.asksForMicrophone = false;
    }
  }

  toggleSilence() {
    this.silent = !this.silent;
    this.call.silence(this.silent);
    this.view.silent(this.silent);
  }

  async chose(name, value) {
    if (name === "locale") this.setLocale();
    if (!this.call || document.body.dataset.view !== "call") return;
    if (name === "microphone" && this.call.microphone) await this.call.microphone.use(value);
    if (name === "speaker") await this.call.loudspeaker?.use(value);
    if (name === "pauseAtOnce" && this.call.microphone) this.call.microphone.guard = value;
  }

  /** Another tab may have chosen something: this one shows it, and goes by it; a call keeps its devices. */
  choseElsewhere() {
    const tag = preferences.get("memoryTag");
    preferences.refresh();
    settings.show();
    this.chose("pauseAtOnce", preferences.get("pauseAtOnce"));
    by("remember").checked = this.memory.wanted;
    if (settings.locale !== words.locale) this.setLocale();
    else if (preferences.get("memoryTag") !== tag) this.showMemory();
  }

  saveTranscript() {
    const names = { caller: words.say("call.you"), bot: words.say("call.bot"), unheard: words.say("call.unheard") };
    const text = transcriptText(this.call.captions.lines, names);
    this.save([text], "text/plain;charset=utf-8", "txt");
  }

  saveRecording() {
    this.save(this.call.recording.wav(), "audio/wav", "wav");
  }

  save(parts, type, suffix) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(parts, { type }));
    const stamp = new Date(this.startedAt).toISOString().slice(0, 16).replace(/[T:]/g, "-");
    link.download = `qingting-${stamp}.${suffix}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  // ---- the page itself ----

  show(view) {
    const changed = document.body.dataset.view !== view;
    document.body.dataset.view = view;
    for (const section of document.querySelectorAll("[data-show]")) {
      section.hidden = section.dataset.show !== view;
    }
    if (view === "welcome") by("again").hidden = !preferences.ticket;
    if (view === "after") {
      by("save-recording").hidden = !this.call.recording;
      const hint = by("after-hint");
      hint.dataset.text = this.recorded ? "after.kept" : "after.gone";
      hint.textContent = words.say(hint.dataset.text);
      if (this.recorded && this.call.callId) this.record.open(this.call.callId, this.key);
      else this.record.hide();
      by("after-heading").focus();
    } else if (changed) by("content").focus();
    if (changed) this.showMemory();
  }

  /** What the server remembers, where there is time to read it. */
  showMemory() {
    const { view } = document.body.dataset;
    if (!this.remembers || view === "call") this.remembered.hide();
    else if (view === "welcome") this.remembered.open(by("welcome-consent"));
    else this.remembered.open(by("after"), this.call.callId);
  }

  showState() {
    const { call, state } = this;
    const between = state === "connecting" || state === "reconnecting";
    if (!between && call.muted && state === "listening") this.view.state("muted");
    else if (state === "listening" && this.hears) this.view.state("hearing");
    else this.view.state(state);
  }

  busy(busy) {
    for (const id of ["start", "start-typing", "go-on"]) by(id).disabled = busy;
    const label = by("start").querySelector("span");
    label.dataset.text = busy ? "welcome.starting" : "welcome.start";
    label.textContent = words.say(label.dataset.text);
  }

  alert(key) {
    const box = by("alert");
    box.hidden = key === null;
    if (key) box.dataset.text = key;
    else delete box.dataset.text;
    box.textContent = key ? words.say(key) : "";
  }

  announce(key) {
    this.view.announce(words.say(key));
  }

  setLocale() {
    words.use(settings.locale);
    words.fill(document);
    document.title = words.say("title");
    by("locale").value = words.locale;
    if (this.call && this.state) this.showState();
    this.showMemory();
  }

  keepTicket() {
    const ticket = this.call?.ticket;
    if (ticket && document.body.dataset.view === "call") {
      const { key, startedAt, helpLines: help } = this;
      const typed = !this.call.hasMicrophone;
      preferences.ticket = { token: ticket.token, key, startedAt, help, typed };
    }
  }
}

async function fetchAccess(key) {
  try {
    const headers = key ? { authorization: `Bearer ${key}` } : {};
    const answer = await fetch("/access", { headers, cache: "no-store" });
    return { status: answer.status, told: answer.ok ? await answer.json() : null };
  } catch {
    return { status: 0, told: null };
  }
}

const app = new App();
