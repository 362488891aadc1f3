/** The way to a realtime session over WebRTC: sound both ways as Opus, events on a data channel. */

import { GatewayError } from "../gateway.js";

/** @typedef {import("./websocket_link.js").Link} Link */

/** @implements {Link} */
export class WebRtcLink {
  formats = { input: {}, output: {} };
  /** @type {RTCPeerConnection | null} */
  #connection = null;
  /** @type {RTCDataChannel | null} */
  #channel = null;
  #speaker = new Audio();
  #call = "";
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
    const connection = new RTCPeerConnection();
    this.#connection = connection;
    for (const track of (await this.microphone.stream()).getTracks()) connection.addTrack(track);
    await this.microphone.start(() => {}); // for its level: the track itself carries the sound
    connection.ontrack = ({ track }) => {
      this.#speaker.srcObject = new MediaStream([track]);
      this.#speaker.play();
    };
    const channel = connection.createDataChannel("oai-events");
    this.#channel = channel;
    channel.onmessage = (message) => {
      const event = JSON.parse(message.data);
      if (event.type === "output_audio_buffer.started") this.#speaker.muted = false;
      this.onEvent(event);
    };
    const opened = new Promise((resolve, reject) => {
      channel.onopen = resolve;
      connection.onconnectionstatechange = () => {
        if (connection.connectionState !== "failed") return;
        reject(new GatewayError("No way for sound was found to the gateway."));
      };
    });
    await connection.setLocalDescription();
    const query = model ? `?model=${encodeURIComponent(model)}` : "";
    const answer = await this.gateway.fetch(`v1/realtime/calls${query}`, {
      method: "POST",
      headers: { "content-type": "application/sdp" },
      body: connection.localDescription?.sdp,
    });
    this.#call = answer.headers.get("location") ?? "";
    await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    await opened;
    this.#wanted = true;
    channel.onclose = () => this.#closed();
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "failed") this.#closed(); // a gateway that died closes no channel
    };
  }

  /** @param {any} event */
  send(event) {
    if (this.#channel?.readyState === "open") this.#channel.send(JSON.stringify(event));
  }

  silence() {
    this.#speaker.muted = true;
    this.send({ type: "output_audio_buffer.clear" });
  }

  #closed() {
    const error = this.#wanted ? new GatewayError("The call was lost.") : null;
    if (error) this.close();
    this.onClosed(error);
  }

  close() {
    this.#wanted = false;
    this.microphone.stop();
    this.#speaker.srcObject = null;
    this.#connection?.close();
    const id = this.#call.split("/").pop();
    if (id) this.gateway.fetch(`v1/realtime/calls/${id}/hangup`, { method: "POST" }).catch(() => {});
  }
}
