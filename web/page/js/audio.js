/** Microphone and loudspeaker: devices, contexts, and the worklets between. */

import { Player } from "./player.js";
import { RATE_HZ } from "./playout-buffer.js";

const PAGE_BLOCK = 1024; // samples that the page's own thread makes at a time, some 40 ms
const GESTURES = ["pointerdown", "keydown", "visibilitychange"];
const HERE = new URL("../worklets/", import.meta.url);

/** What went wrong with audio; `reason` is a key of the page's texts under "failure". */
export class AudioFailure extends Error {
  constructor(reason, cause) {
    super(reason, { cause });
    this.reason = reason;
  }
}

const REASON_OF_ERROR = {
  NotAllowedError: "microphone_refused",
  SecurityError: "microphone_refused",
  NotFoundError: "microphone_missing",
  OverconstrainedError: "microphone_missing",
  NotReadableError: "microphone_busy",
  AbortError: "microphone_busy",
};

/**
 * Ask for the microphone.
 *
 * @param {?string} deviceId
 * @throws {AudioFailure}
 */
export async function openMicrophone(deviceId) {
  if (!globalThis.isSecureContext || !navigator.mediaDevices) throw new AudioFailure("insecure_origin");
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: deviceId ? { ...audio, deviceId: { exact: deviceId } } : audio,
    });
  } catch (error) {
    if (deviceId && error.name === "OverconstrainedError") return openMicrophone(null);
    throw new AudioFailure(REASON_OF_ERROR[error.name] ?? "microphone_failed", error);
  }
}

/** Let a microphone go. */
export function switchOff(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** Devices of one kind; without permission their labels are empty. */
export async function devices(kind) {
  const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return all.filter((device) => device.kind === kind && device.deviceId);
}

/**
 * Have a context run whenever the browser lets it: Safari starts it suspended unless a touch is
 * at hand, and "interrupts" it for a telephone call.
 *
 * @param {AudioContext} context
 */
function keepRunning(context) {
  const wake = () => {
    if (context.state === "closed") stop();
    else if (context.state !== "running") context.resume().catch(() => {}); // the next chance comes
  };
  const stop = () => {
    for (const gesture of GESTURES) document.removeEventListener(gesture, wake, true);
  };
  for (const gesture of GESTURES) document.addEventListener(gesture, wake, true);
  context.addEventListener("statechange", wake);
  wake();
}

/**
 * @param {string} reason of the failure, if there is one
 * @param {AudioContextOptions} options
 * @throws {AudioFailure}
 */
function newContext(reason, options = {}) {
  try {
    return new AudioContext({ latencyHint: "interactive", ...options });
  } catch (error) {
    throw new AudioFailure(reason, error);
  }
}

/**
 * A context at the rate of the replies, or, where that is refused, at the device's.
 *
 * @throws {AudioFailure}
 */
function playbackContext() {
  try {
    return newContext("page_failed", { sampleRate: RATE_HZ });
  } catch (failure) {
    if (failure.cause.name !== "NotSupportedError") throw failure;
    return newContext("page_failed");
  }
}

/**
 * Load a worklet into a context and build what uses it; the context is closed if either fails.
 *
 * @template T
 * @param {AudioContext} context
 * @param {string} file
 * @param {string} reason of the failure, if it cannot be built
 * @param {() => T} build
 * @returns {Promise<T>}
 * @throws {AudioFailure}
 */
async function load(context, file, reason, build) {
  let why = "server_gone"; // it is the server that has the file
  try {
    await context.audioWorklet.addModule(new URL(file, HERE));
    why = reason;
    return build();
  } catch (error) {
    await context.close();
    throw new AudioFailure(why, error);
  }
}

export class Microphone {
  /**
   * @param {MediaStream} stream
   * @param {(chunk: {samples: Int16Array, level: number}) => void} onChunk every 20 ms
   * @param {() => void} onEnded the device has gone
   * @throws {AudioFailure}
   */
  static async over(stream, onChunk, onEnded) {
    // iOS plays through the earpiece as soon as there is a microphone, unless told otherwise.
    if (navigator.audioSession) navigator.audioSession.type = "play-and-record";
    const context = newContext("microphone_failed");
    const build = () => new Microphone(context, stream, onChunk, onEnded);
    return load(context, "capture.js", "microphone_failed", build);
  }

  constructor(context, stream, onChunk, onEnded) {
    this._context = context;
    this._node = new AudioWorkletNode(context, "capture", {
      channelCount: 1,
      channelCountMode: "explicit",
      outputChannelCount: [1],
    });
    // Its output is silence; but an engine may run only what leads to the loudspeaker.
    this._node.connect(context.destination);
    this._node.port.onmessage = (message) => {
      if (message.data.type === "chunk") onChunk(message.data);
    };
    this._onEnded = onEnded;
    this._connect(stream);
    keepRunning(context);
  }

  get deviceId() {
    return this._track.getSettings().deviceId ?? null;
  }

  set muted(muted) {
    this._track.enabled = !muted;
    this._muted = muted;
  }

  /** Whether loud speech pauses playback before the server has heard it. */
  set guard(on) {
    this._node.port.postMessage({ type: "guard", on });
  }

  async use(deviceId) {
    const stream = await openMicrophone(deviceId);
    if (this._context.state === "closed") {
      switchOff(stream);
      return;
    }
    this._disconnect();
    this._connect(stream);
  }

  link(port) {
    this._node.port.postMessage({ type: "link" }, [port]);
  }

  close() {
    this._disconnect();
    this._context.close();
  }

  _connect(stream) {
    [this._track] = stream.getAudioTracks();
    this._track.enabled = !this._muted;
    this._track.onended = this._onEnded;
    this._source = this._context.createMediaStreamSource(stream);
    this._source.connect(this._node);
  }

  _disconnect() {
    this._track.onended = null;
    this._track.stop();
    this._source.disconnect();
  }
}

export class Loudspeaker {
  /**
   * @param {(status: object) => void} onStatus see the playback worklet
   * @param {(samples: Float32Array) => void} onRendered while recording
   * @throws {AudioFailure}
   */
  static async open(onStatus, onRendered) {
    const context = playbackContext();
    keepRunning(context); // before anything is waited for: the touch that began the call counts
    if (!context.audioWorklet) return new Loudspeaker(context, onPageThread(context), onStatus, onRendered);
    const build = () => new Loudspeaker(context, inWorklet(context), onStatus, onRendered);
    return load(context, "playback.js", "page_failed", build);
  }

  constructor(context, { node, port }, onStatus, onRendered) {
    this._context = context;
    this._node = node; // held, or some browsers collect it while it plays
    this._port = port;
    this._volume = context.createGain();
    node.connect(this._volume).connect(context.destination);
    port.onmessage = ({ data }) => {
      if (data.type === "status") onStatus(data);
      if (data.type === "rendered") onRendered(data.samples);
    };
  }

  /** From a sample's render to the ear, as the browser knows it. */
  get latencySecs() {
    return (this._context.baseLatency || 0) + (this._context.outputLatency || 0);
  }

  set silent(silent) {
    this._volume.gain.setTargetAtTime(silent ? 0 : 1, this._context.currentTime, 0.01);
  }

  get canChooseDevice() {
    return typeof this._context.setSinkId === "function";
  }

  async use(deviceId) {
    if (this.canChooseDevice) await this._context.setSinkId(deviceId ?? "");
  }

  tell(message, transfer = []) {
    this._port.postMessage(message, transfer);
  }

  /** A port by which another worklet holds playback without a way through the page. */
  holdPort() {
    const channel = new MessageChannel();
    this._port.postMessage({ type: "link" }, [channel.port1]);
    return channel.port2;
  }

  close() {
    this._context.close();
  }
}

function inWorklet(context) {
  const node = new AudioWorkletNode(context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
  return { node, port: node.port };
}

/** Browsers have worklets for secure pages only; a call that is typed on another is heard as well. */
function onPageThread(context) {
  const node = context.createScriptProcessor(PAGE_BLOCK, 1, 1);
  const { port1, port2 } = new MessageChannel();
  const player = new Player(context.sampleRate, (message) => port2.postMessage(message));
  port2.onmessage = ({ data }) => player.take(data);
  node.onaudioprocess = ({ outputBuffer }) => player.fill(outputBuffer.getChannelData(0));
  return { node, port: port1 };
}
