/** The way to a realtime session over a WebSocket: events and sound are JSON messages. */

import { RATE, toBase64 } from "../audio/pcm.js";
import { GatewayError } from "../gateway.js";

/**
 * What a realtime session needs of a way to the gateway; `webrtc_link.js` is the other one.
 * @typedef {object} Link
 * @property {{ input: object, output: object }} formats how sound is sent and wanted
 * @property {(event: any) => void} onEvent
 * @property {(error: Error | null) => void} onClosed null: as this page wanted
 * @property {(model: string) => Promise<void>} open
 * @property {(event: any) => void} send
 * @property {() => void} silence the answer at once, where its sound comes this way
 * @property {() => void} close
 */

const format = { type: "audio/pcm", rate: RATE };

/** @implements {Link} */
export class WebSocketLink {
  formats = { input: { format }, output: { format } };
  /** @type {WebSocket | null} */
  #socket = null;
  #wanted = false;
  /** @type {(event: any) => void} */
  onEvent = () => {};
  /** @type {(error: Error | null) => void} */
  onClosed = () => {};

  /**
   * @param {import("../gateway.js").Gateway} gateway
   * @param {import("../audio/microphone.js").Microphone} microphone
   */
  constructor(gateway, microphone) {
    this.gateway = gateway;
    this.microphone = microphone;
  }

  /** @param {string} model the route, "" for the first */
  async open(model) {
    const url = this.gateway.url("v1/realtime");
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (model) url.searchParams.set("model", model);
    const protocols = ["realtime"];
    if (this.gateway.key) protocols.push(`openai-insecure-api-key.${this.gateway.key}`);
    const socket = new WebSocket(url, protocols);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new GatewayError("The realtime connection was refused. Is the key right?"));
    });
    this.#socket = socket;
    this.#wanted = true;
    socket.onmessage = (message) => this.onEvent(JSON.parse(message.data));
    socket.onclose = (close) => {
      this.#stopListening();
      this.onClosed(this.#wanted ? new GatewayError(close.reason || "The realtime connection was lost.") : null);
    };
    await this.microphone.start((block) =>
      this.send({ type: "input_audio_buffer.append", audio: toBase64(block.buffer) }),
    );
  }

  /** @param {any} event */
  send(event) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(event));
  }

  silence() {
    // Its sound is played by the page, which stops it.
  }

  close() {
    this.#wanted = false;
    this.#stopListening();
    this.#socket?.close();
  }

  #stopListening() {
    this.microphone.stop();
  }
}
