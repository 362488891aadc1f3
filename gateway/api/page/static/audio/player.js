/** Plays answers as they arrive. */

import { RATE, SampleReader } from "./pcm.js";
import { ScheduledOutput } from "./scheduled_output.js";

/** @typedef {{ postMessage: (message: any, transfer?: Transferable[]) => void }} Output a worklet's port, or like one */

export class Player {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {Output | null} */
  #output = null;
  /** @type {Playback | null} */
  #current = null;
  #answers = 0;

  /** @param {(level: number) => void} onLevel loudness of what is heard now, 0 to 1 */
  constructor(onLevel) {
    this.onLevel = onLevel;
  }

  /** Browsers allow sound from a click on only: call this in its handler. */
  async open() {
    this.#context ??= new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    this.#output ??= await this.#connect(this.#context);
    await this.#context.resume();
  }

  /** @param {AudioContext} context @returns {Promise<Output>} */
  async #connect(context) {
    /** @type {any} */
    let output = new ScheduledOutput(context);
    if (context.audioWorklet) {
      await context.audioWorklet.addModule(new URL("playback_worklet.js", import.meta.url));
      const node = new AudioWorkletNode(context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
      node.connect(context.destination);
      output = node.port;
    }
    output.onmessage = (/** @type {{ data: any }} */ event) => this.#hear(event.data);
    return output;
  }

  /** @returns {Playback} the next answer; one that is played is stopped */
  begin() {
    this.#current?.stop();
    this.#current = new Playback(/** @type {Output} */ (this.#output), ++this.#answers);
    return this.#current;
  }

  /** @param {any} message */
  #hear(message) {
    const playback = this.#current;
    if (!playback || message.answer !== playback.answer) return;
    if (message.started) playback.onStarted((this.#context?.outputLatency ?? 0) * 1000);
    else if (message.gap) playback.onGap(message.gap * 1000);
    else {
      this.onLevel(message.over ? 0 : message.level);
      playback.heard(message.played, message.over);
    }
  }
}

/** One answer on its way to the ear. */
export class Playback {
  /** Seconds that were heard. */
  played = 0;
  /** Seconds that arrived. */
  arrived = 0;
  over = false;
  #reader = new SampleReader();
  #stopped = false;
  /** @type {(latency: number) => void} the first sound leaves the speaker in this many milliseconds */
  onStarted = () => {};
  /** @type {(milliseconds: number) => void} so long was there nothing to play */
  onGap = () => {};
  /** @type {() => void} */
  onProgress = () => {};

  /** @param {Output} output @param {number} answer */
  constructor(output, answer) {
    this.output = output;
    this.answer = answer;
    output.postMessage({ begin: answer });
  }

  /** @param {Uint8Array} bytes of samples */
  feed(bytes) {
    if (this.#stopped) return;
    const samples = this.#reader.read(bytes);
    this.arrived += samples.length / RATE;
    this.output.postMessage({ answer: this.answer, samples }, [samples.buffer]);
  }

  /** No more will come. */
  complete() {
    this.output.postMessage({ answer: this.answer, complete: true });
  }

  /** Silence at once; what was played stays in `played`. */
  stop() {
    if (this.over || this.#stopped) return;
    this.#stopped = true;
    this.output.postMessage({ answer: this.answer, stop: true });
  }

  /** @param {number} played @param {boolean} over */
  heard(played, over) {
    this.played = played;
    this.over = over;
    this.onProgress();
  }
}
