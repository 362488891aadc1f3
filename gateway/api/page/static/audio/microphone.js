/** The microphone: open while it is needed and shortly after, so that the next turn begins without delay. */

import { RATE } from "./pcm.js";

const IDLE_MS = 20000;

/** @returns {string | null} why this page cannot have a microphone, as far as that is known without asking for it */
export function obstacle() {
  if (!window.isSecureContext) {
    return "Browsers give a microphone to pages of HTTPS or of this computer only. Drop a recording or take the sample.";
  }
  if (!navigator.mediaDevices?.getUserMedia) return "This browser has no microphone for pages.";
  return null;
}

export class Microphone {
  /** @type {{ stream: MediaStream, context: AudioContext } | null} */
  #open = null;
  #idle = 0;
  #rate = RATE;
  /** @type {((block: Int16Array<ArrayBuffer>) => void) | null} */
  #taker = null;

  /** @param {(level: number) => void} onLevel loudness of a block that is taken, 0 to 1 */
  constructor(onLevel) {
    this.onLevel = onLevel;
  }

  get rate() {
    return this.#rate;
  }

  /** The stream itself, for a connection that carries sound. @returns {Promise<MediaStream>} */
  async stream() {
    clearTimeout(this.#idle);
    return (this.#open ?? (await this.#connect())).stream;
  }

  /**
   * Give blocks of 40 ms to `taker` until `stop`.
   * @param {(block: Int16Array<ArrayBuffer>) => void} taker
   */
  async start(taker) {
    await this.stream();
    this.#taker = taker;
  }

  stop() {
    this.#taker = null;
    this.onLevel(0);
    clearTimeout(this.#idle);
    this.#idle = window.setTimeout(() => this.close(), IDLE_MS);
  }

  close() {
    this.#open?.stream.getTracks().forEach((track) => track.stop());
    this.#open?.context.close();
    this.#open = null;
  }

  async #connect() {
    const why = obstacle();
    if (why) throw new Error(why);
    let stream;
    try {
      const wanted = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
      stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    } catch (error) {
      throw new Error(refusal(/** @type {DOMException} */ (error).name));
    }
    const context = new AudioContext();
    await context.audioWorklet.addModule(new URL("capture_worklet.js", import.meta.url));
    const node = new AudioWorkletNode(context, "capture", {
      numberOfOutputs: 0,
      processorOptions: { rate: this.#rate },
    });
    node.port.onmessage = ({ data }) => {
      if (!this.#taker) return;
      this.onLevel(data.level);
      this.#taker(data.samples);
    };
    context.createMediaStreamSource(stream).connect(node);
    await context.resume();
    this.#open = { stream, context };
    return this.#open;
  }
}

/** @param {string} name of the browser's error */
function refusal(name) {
  if (name === "NotAllowedError") return "The microphone is blocked: allow it for this page in the browser's address bar.";
  if (name === "NotFoundError") return "There is no microphone here. Drop a recording or take the sample instead.";
  if (name === "NotReadableError") return "Another program has the microphone. Close it and try again.";
  return `The microphone cannot be used (${name}).`;
}
