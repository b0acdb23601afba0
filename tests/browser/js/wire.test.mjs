import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Wire } from "../../../web/page/js/wire.js";

/** A clock that moves when it is told to. */
class Timers {
  constructor() {
    this.now = 0;
    this.due = new Map();
    this.count = 0;
    this.performance = { now: () => this.now };
    this.setTimeout = (work, ms) => this._add(work, ms, 0);
    this.setInterval = (work, ms) => this._add(work, ms, ms);
    this.clearTimeout = this.clearInterval = (id) => this.due.delete(id);
  }

  _add(work, ms, every) {
    this.count += 1;
    this.due.set(this.count, { at: this.now + ms, work, every });
    return this.count;
  }

  pass(ms) {
    const end = this.now + ms;
    for (;;) {
      const next = [...this.due].filter(([, one]) => one.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!next) break;
      const [id, one] = next;
      this.now = one.at;
      if (one.every) one.at += one.every;
      else this.due.delete(id);
      one.work();
    }
    this.now = end;
  }
}

let sockets;
let timers;
let events;
let states;

class Socket {
  constructor(url, protocols) {
    Object.assign(this, { url, protocols, sent: [], readyState: 1, closedWith: null });
    sockets.push(this);
  }
  send(text) { this.sent.push(JSON.parse(text)); }
  close(code) { this.closedWith = code; this.readyState = 3; }
  hear(event) { this.onmessage({ data: JSON.stringify(event) }); }
  drop(code = 1006, reason = "") { this.readyState = 3; this.onclose({ code, reason }); }
}

beforeEach(() => {
  [sockets, events, states, timers] = [[], [], [], new Timers()];
});

function wire(options = {}) {
  const one = new Wire({
    url: "ws://here", Socket, timers,
    onEvent: (event) => events.push(event),
    onState: (state, detail) => states.push(detail ? `${state} ${detail.code}` : state),
    ...options,
  });
  one.open();
  return one;
}

function hello() {
  sockets.at(-1).hear({ type: "session.created", event_id: "event_1" });
  sockets.at(-1).hear({ type: "qingting.hello", event_id: "event_2", resume_token: "tok", resume_secs: 120 });
}

test("a lost socket is opened again with the token and the last number seen", () => {
  const one = wire();
  hello();
  sockets[0].hear({ type: "qingting.state", event_id: "event_9", state: "thinking" });
  sockets[0].drop();
  timers.pass(300);
  assert.deepEqual(sockets[1].protocols, ["realtime", "qingting-resume.tok.9"]);
  sockets[1].hear({ type: "qingting.resumed", event_id: "event_9" });
  assert.deepEqual(states, ["open", "reconnecting", "open"]);
  assert.deepEqual(one.ticket, { token: "tok", seen: 9 });
});

test("the tag of a caller opens a call and is not said again", () => {
  wire({ memoryTag: "of-this-browser" });
  assert.deepEqual(sockets[0].protocols, ["realtime", "qingting-memory.of-this-browser"]);
  hello();
  sockets[0].drop();
  timers.pass(300);
  assert.deepEqual(sockets[1].protocols, ["realtime", "qingting-resume.tok.2"]);
});

test("of the sound that waits for a connection the newest three seconds are sent", () => {
  const one = wire();
  hello();
  sockets[0].drop();
  for (let number = 0; number < 200; number += 1) one.send({ type: "input_audio_buffer.append", number });
  timers.pass(300);
  assert.deepEqual(sockets[1].sent, []);
  sockets[1].hear({ type: "qingting.resumed", event_id: "event_2" });
  assert.deepEqual(sockets[1].sent.map((event) => event.number), Array.from({ length: 150 }, (_, at) => at + 50));
});

test("no sound pushes out what was typed, and the order stays", () => {
  const one = wire();
  hello();
  sockets[0].drop();
  const say = (count) => {
    for (let said = 0; said < count; said += 1) one.send({ type: "input_audio_buffer.append" });
  };
  say(100);
  one.send({ type: "conversation.item.create" });
  one.send({ type: "response.create" });
  say(140);
  timers.pass(300);
  sockets[1].hear({ type: "qingting.resumed", event_id: "event_2" });
  const types = sockets[1].sent.map((event) => event.type.split(".")[0]);
  const sound = (count) => Array(count).fill("input_audio_buffer");
  assert.deepEqual(types, [...sound(10), "conversation", "response", ...sound(140)]);
});

test("what answers the welcome goes before the sound that waited for it", () => {
  const one = wire({ onEvent: (event) => event.type === "session.created" && one.send({ type: "session.update" }) });
  one.send({ type: "input_audio_buffer.append" });
  hello();
  assert.deepEqual(sockets[0].sent.map((event) => event.type), ["session.update", "input_audio_buffer.append"]);
});

test("a call that is hung up in answer to the welcome sends nothing more", () => {
  const one = wire({ onEvent: () => one.hangUp() });
  one.send({ type: "input_audio_buffer.append" });
  hello();
  assert.deepEqual(sockets[0].sent, []);
  assert.deepEqual(states, ["open", "closed 1000"]);
});

test("a call that never began is not tried again", () => {
  wire();
  sockets[0].drop(1006);
  timers.pass(60_000);
  assert.equal(sockets.length, 1);
  assert.deepEqual(states, ["closed 1006"]);
});

for (const code of [1000, 1001, 1013, 4000, 4001, 4004, 4029]) {
  test(`close code ${code} is final`, () => {
    wire();
    hello();
    sockets[0].drop(code);
    timers.pass(60_000);
    assert.equal(sockets.length, 1);
    assert.equal(states.at(-1), `closed ${code}`);
  });
}

test("a pong that came too late is a lost socket, a failed call is not", () => {
  wire();
  hello();
  sockets[0].drop(1011, "keepalive ping timeout");
  timers.pass(300);
  assert.equal(sockets.length, 2);
  sockets[1].drop(1011, "error");
  assert.equal(states.at(-1), "closed 1011");
});

test("it gives up when the server no longer waits", () => {
  wire();
  hello();
  sockets[0].drop();
  for (let tries = 0; tries < 60; tries += 1) {
    timers.pass(6_000);
    if (sockets.at(-1).readyState === 1) sockets.at(-1).drop();
  }
  assert.equal(states.at(-1), "closed 1006");
  assert.ok(sockets.length < 40, `${sockets.length} attempts`);
});

test("a half-open socket is found by its silence and not waited for", () => {
  wire();
  hello();
  timers.pass(4_100);
  assert.equal(sockets[0].sent.at(-1).type, "qingting.ping");
  timers.pass(9_000);
  assert.equal(sockets[0].closedWith, 4002);
  assert.equal(sockets.length, 2);
  sockets[0].hear({ type: "qingting.state", event_id: "event_99" });
  assert.equal(events.at(-1).event_id, "event_2");
});

test("hanging up closes with 1000 and stays closed", () => {
  const one = wire();
  hello();
  one.hangUp();
  one.send({ type: "late" });
  one.open();
  timers.pass(60_000);
  assert.equal(sockets[0].closedWith, 1000);
  assert.equal(sockets.length, 1);
  assert.equal(timers.due.size, 0);
});

test("a refusal is told with its error", () => {
  const details = [];
  wire({ onState: (state, detail) => details.push(detail) });
  sockets[0].hear({ type: "error", event_id: "event_1", error: { code: "overloaded" } });
  sockets[0].drop(1013);
  assert.deepEqual(details, [{ code: 1013, error: { code: "overloaded" } }]);
});

test("a key travels as a subprotocol, never in the address", () => {
  wire({ key: "qt_secret" });
  assert.deepEqual(sockets[0].protocols, ["realtime", "openai-insecure-api-key.qt_secret"]);
  assert.ok(!sockets[0].url.includes("secret"));
});
