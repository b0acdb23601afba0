import assert from "node:assert/strict";
import { test } from "node:test";

import { Captions, transcriptText } from "../../../web/page/js/captions.js";

const WORDS = { caller: "You", bot: "Ting", unheard: "not heard" };

function reply(captions, text = "好，慢慢來。") {
  captions.take({ type: "response.created", response: { id: "r1" } });
  captions.take({ type: "response.output_audio_transcript.delta", response_id: "r1", delta: text });
  return captions.lines.at(-1);
}

function span(captions, startSample, length, startChar, endChar) {
  captions.take({ type: "qingting.audio_span", response_id: "r1", start_sample: startSample, start_char: startChar, end_char: endChar });
  captions.spanLength("r1", startSample, length);
}

test("a transcript's unstable part follows what holds, and goes when it is complete", () => {
  const captions = new Captions();
  captions.take({ type: "qingting.transcript", item_id: "i1", committed: "我", unstable: "最進" });
  assert.deepEqual([captions.lines[0].text, captions.lines[0].unstable], ["我", "最進"]);
  captions.take({ type: "conversation.item.input_audio_transcription.completed", item_id: "i1", transcript: "我最近" });
  assert.equal(captions.lines.length, 1);
  assert.deepEqual([captions.lines[0].text, captions.lines[0].unstable, captions.lines[0].done], ["我最近", "", true]);
});

test("a turn without words leaves no line", () => {
  const captions = new Captions();
  captions.take({ type: "qingting.transcript", item_id: "i1", committed: "", unstable: "嗯" });
  const line = captions.take({ type: "conversation.item.input_audio_transcription.completed", item_id: "i1", transcript: "" });
  assert.equal(line.gone, true);
  assert.deepEqual(captions.lines, []);
});

test("heard text follows the samples played, to the character", () => {
  const captions = new Captions();
  const line = reply(captions, "慢慢來");
  span(captions, 0, 2400, 0, 1);
  span(captions, 2400, 4800, 1, 3);
  captions.played("r1", 2400);
  assert.equal(line.heard, 1);
  captions.played("r1", 4800);
  assert.equal(line.heard, 2);
  captions.played("r1", 7200);
  assert.equal(line.heard, 3);
});

test("characters outside the basic plane count as one on the wire and two in JavaScript", () => {
  const captions = new Captions();
  const line = reply(captions, "😊好");
  span(captions, 0, 100, 0, 1);
  captions.played("r1", 100);
  assert.equal(line.text.slice(0, line.heard), "😊");
});

test("a cut reply keeps what was heard apart, and the transcript says so", () => {
  const captions = new Captions();
  reply(captions, "聽起來你很累。");
  captions.take({ type: "qingting.reply.heard", response_id: "r1", status: "interrupted", text: "聽起來你很累。", heard_text: "聽起來" });
  assert.equal(transcriptText(captions.lines, WORDS), "Ting: 聽起來 [not heard: 你很累。]");
});

test("a typed turn is a line at once; a spoken one waits for its words", () => {
  const captions = new Captions();
  const item = (type, extra) => ({ type: "conversation.item.added", item: { id: type, role: "user", content: [{ type, ...extra }] } });
  captions.take(item("input_audio", { transcript: "x" }));
  captions.take(item("input_text", { text: "你好" }));
  assert.deepEqual(captions.lines.map((line) => line.text), ["你好"]);
});

test("figures of a turn go to its reply", () => {
  const captions = new Captions();
  const line = reply(captions);
  captions.take({ type: "qingting.turn.measured", response_id: "r1", marks_ms: { first_token: 9 }, response_latency_ms: 412, ledger: {} });
  assert.equal(line.latencyMs, 412);
});

test("events told twice after a reconnect change nothing", () => {
  const captions = new Captions();
  const events = [
    { type: "conversation.item.input_audio_transcription.completed", item_id: "i1", transcript: "我" },
    { type: "response.created", response: { id: "r1" } },
    { type: "qingting.reply.heard", response_id: "r1", status: "completed", text: "好", heard_text: "好" },
  ];
  for (const event of [...events, ...events]) captions.take(event);
  assert.deepEqual(captions.lines.map((line) => line.text), ["我", "好"]);
});

test("an acknowledgement is a note of the bot's, not a line of the conversation", () => {
  const captions = new Captions();
  const line = captions.take({ type: "qingting.acknowledgement", text: "嗯", audio: "" });
  assert.deepEqual([line.who, line.bot, line.text], ["note", true, "嗯"]);
  assert.equal(transcriptText(captions.lines, WORDS), "");
});
