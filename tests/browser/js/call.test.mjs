/** A call's devices. Node has no audio, so what stands in for it only notes what is open. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { AudioFailure } from "../../../web/page/js/audio.js";
import { Call } from "../../../web/page/js/call.js";
import { Words } from "../../../web/page/js/i18n.js";

let contexts;
let nodes;
let sockets;
let told;
let loading; // what the next worklets wait for, by file name
let refused; // what the browser will not make

function broken(part) {
  if (refused.includes(part)) throw new DOMException(`no ${part}`, "NotSupportedError");
}

class Stream {
  constructor() {
    this.track = { enabled: true, readyState: "live", getSettings: () => ({}) };
    this.track.stop = () => (this.track.readyState = "ended");
  }
  getTracks() { return [this.track]; }
  getAudioTracks() { return [this.track]; }
  get isOn() { return this.track.readyState === "live"; }
}

class Context {
  constructor({ sampleRate }) {
    broken(sampleRate ? "playback context" : "context");
    this.state = "running";
    this.audioWorklet = { addModule: (url) => loading[url.pathname.split("/").at(-1)] };
    contexts.push(this);
  }
  addEventListener() {}
  createGain() { return { connect: () => {}, gain: { setTargetAtTime: (value) => (this.volume = value) } }; }
  createMediaStreamSource() {
    broken("source");
    return { connect: () => {}, disconnect: () => {} };
  }
  async close() {
    if (this.state === "closed") throw new Error("closed twice");
    this.state = "closed";
  }
}

class Node {
  constructor(context, name) {
    broken(name);
    Object.assign(this, { name, accepted: [], port: { postMessage: (message) => this.accepted.push(message.type) } });
    nodes.push(this);
  }
  connect(to) { return to; }
}

class Socket {
  constructor() {
    Object.assign(this, { sent: [], readyState: 1 });
    sockets.push(this);
  }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.readyState = 3; }
  hear(event) { this.onmessage({ data: JSON.stringify(event) }); }
}

const stands = {
  AudioContext: Context,
  AudioWorkletNode: Node,
  WebSocket: Socket,
  document: { addEventListener: () => {}, removeEventListener: () => {} },
  navigator: {},
  isSecureContext: true,
};
for (const [name, value] of Object.entries(stands)) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

beforeEach(() => {
  [contexts, nodes, sockets, told, loading, refused] = [[], [], [], [], {}, []];
});

function newCall() {
  return new Call({ url: "ws://here", record: false, tell: (kind, detail) => told.push({ kind, ...detail }) });
}

/** A promise that the test keeps or breaks. */
function later() {
  const one = {};
  one.promise = new Promise((keep, fail) => Object.assign(one, { keep, fail }));
  return one;
}

const soon = () => new Promise((done) => setImmediate(done));
const allClosed = () => contexts.every(({ state }) => state === "closed");

for (const worklet of ["playback.js", "capture.js"]) {
  test(`a call that is hung up before ${worklet} is there switches its microphone off at once`, async () => {
    const [call, stream, file] = [newCall(), new Stream(), later()];
    loading[worklet] = file.promise;
    const started = call.start(stream);
    await soon();
    call.hangUp();
    assert.equal(stream.isOn, false);
    file.keep();
    await started;
    assert.ok(allClosed());
    assert.deepEqual([sockets, told], [[], [{ kind: "ended", code: 1000 }]]);
  });

  test(`a call that cannot have ${worklet} keeps no device and says so`, async () => {
    const [call, stream] = [newCall(), new Stream()];
    loading[worklet] = Promise.reject(new Error("no such file"));
    await assert.rejects(call.start(stream), AudioFailure);
    assert.equal(stream.isOn, false);
    assert.ok(allClosed());
    assert.deepEqual([sockets, call.over], [[], true]);
  });
}

for (const [parts, reason] of [
  [["playback context", "context"], "page_failed"],
  [["playback"], "page_failed"],
  [["context"], "microphone_failed"],
  [["capture"], "microphone_failed"],
  [["source"], "microphone_failed"],
]) {
  test(`a call for which the browser makes no ${parts.join(" and no ")} keeps no device and says so`, async () => {
    const [call, stream] = [newCall(), new Stream()];
    refused = parts;
    await assert.rejects(call.start(stream), (error) => error instanceof AudioFailure && error.reason === reason);
    assert.equal(stream.isOn, false);
    assert.ok(allClosed());
    assert.deepEqual([sockets, call.over], [[], true]);
    assert.ok(new Words("en").say(`failure.${reason}`));
  });
}

test("a call goes on without a microphone that the browser cannot read, and leaves nothing open", async () => {
  const [call, first, second] = [newCall(), new Stream(), new Stream()];
  await call.start(null);
  refused = ["source"];
  await assert.rejects(call.speakThrough(first), AudioFailure);
  assert.deepEqual([first.isOn, call.over, contexts.map(({ state }) => state)], [false, false, ["running", "closed"]]);
  refused = [];
  await call.speakThrough(second);
  assert.ok(second.isOn);
  call.hangUp();
  assert.ok(allClosed());
});

test("a microphone that is allowed after the end of the call is switched off", async () => {
  const [call, stream] = [newCall(), new Stream()];
  await call.start(null);
  call.hangUp();
  await call.speakThrough(stream);
  assert.equal(stream.isOn, false);
  assert.ok(allClosed());
});

test("a call whose end comes while a later microphone loads switches it off", async () => {
  const [call, stream, file] = [newCall(), new Stream(), later()];
  await call.start(null);
  loading["capture.js"] = file.promise;
  const taken = call.speakThrough(stream);
  call.hangUp();
  assert.equal(stream.isOn, false);
  file.keep();
  await taken;
  assert.ok(allClosed());
});

test("of two microphones the first is heard, the second is switched off", async () => {
  const [call, first, second] = [newCall(), new Stream(), new Stream()];
  await call.start(null);
  await Promise.all([call.speakThrough(first), call.speakThrough(second)]);
  assert.deepEqual([first.isOn, second.isOn], [true, false]);
  assert.equal(nodes.filter(({ name }) => name === "capture").length, 1);
  call.hangUp();
  assert.equal(first.isOn, false);
});

test("a later microphone that fails is switched off, and another one can be taken", async () => {
  const [call, first, second] = [newCall(), new Stream(), new Stream()];
  await call.start(null);
  loading["capture.js"] = Promise.reject(new Error("no such file"));
  await assert.rejects(call.speakThrough(first), AudioFailure);
  assert.deepEqual([first.isOn, call.over, call.hasMicrophone], [false, false, false]);
  loading = {};
  await call.speakThrough(second);
  assert.deepEqual([second.isOn, call.hasMicrophone], [true, true]);
  call.hangUp();
  assert.ok(allClosed());
});

test("a call that is muted while its microphone loads begins muted", async () => {
  const [call, stream, file] = [newCall(), new Stream(), later()];
  loading["capture.js"] = file.promise;
  const started = call.start(stream);
  await soon();
  assert.ok(call.hasMicrophone);
  call.mute(true);
  file.keep();
  await started;
  assert.equal(stream.track.enabled, false);
  call.mute(false);
  assert.equal(stream.track.enabled, true);
  call.hangUp();
});

test("a call that is silenced while its loudspeaker loads begins silent", async () => {
  const [call, file] = [newCall(), later()];
  loading["playback.js"] = file.promise;
  const started = call.start(null);
  call.silence(true);
  file.keep();
  await started;
  assert.equal(contexts[0].volume, 0);
  call.silence(false);
  assert.equal(contexts[0].volume, 1);
  call.hangUp();
});

for (const first of ["playback.js", "capture.js"]) {
  test(`a microphone may be taken while the call connects, ${first} being there first`, async () => {
    const [call, files] = [newCall(), { "playback.js": later(), "capture.js": later() }];
    loading = { "playback.js": files["playback.js"].promise, "capture.js": files["capture.js"].promise };
    const both = [call.start(null), call.speakThrough(new Stream())];
    files[first].keep();
    await soon();
    for (const file of Object.values(files)) file.keep();
    await Promise.all(both);
    const linked = nodes.filter(({ accepted }) => accepted.includes("link")).map(({ name }) => name);
    assert.deepEqual(linked.sort(), ["capture", "playback"]);
    call.hangUp();
    assert.ok(allClosed());
  });
}

test("a microphone that is chosen as the call ends is switched off", async () => {
  const [call, stream, other, asked] = [newCall(), new Stream(), new Stream(), later()];
  navigator.mediaDevices = { getUserMedia: () => asked.promise };
  await call.start(stream);
  const chosen = call.microphone.use("another");
  call.hangUp();
  asked.keep(other);
  await chosen;
  assert.deepEqual([stream.isOn, other.isOn], [false, false]);
});

test("the greeting is asked for before the sound that waited for the server", async () => {
  const call = newCall();
  await call.start(new Stream());
  const capture = nodes.find(({ name }) => name === "capture");
  capture.port.onmessage({ data: { type: "chunk", samples: new Int16Array(320), level: 0 } });
  sockets[0].hear({ type: "session.created", event_id: "event_1" });
  assert.deepEqual(
    sockets[0].sent.map(({ type }) => type),
    ["qingting.hello", "session.update", "response.create", "input_audio_buffer.append"],
  );
  call.hangUp();
});
