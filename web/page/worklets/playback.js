/**
 * Plays replies, mono at 24 kHz, on a context of whatever rate the browser grants.
 *
 * accepts  what a Player accepts (js/player.js), and
 *          {type: "link"} with a port of the capture worklet, which sends "hold" by itself
 * sends    what a Player sends
 */

import { Player } from "../js/player.js";

class PlaybackProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this._player = new Player(sampleRate, (message) => this.port.postMessage(message));
    this.port.onmessage = ({ data, ports }) => {
      if (data.type === "link") ports[0].onmessage = (event) => this._player.take(event.data);
      else this._player.take(data);
    };
  }

  process(_inputs, outputs) {
    const [block, ...copies] = outputs[0];
    this._player.fill(block);
    for (const copy of copies) copy.set(block);
    return true;
  }
}

registerProcessor("playback", PlaybackProcessor);
