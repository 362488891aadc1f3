/** Plays as `playback_worklet.js` does, for pages without HTTPS: browsers give those no worklets. */

import { RATE } from "./pcm.js";

const AHEAD_SECONDS = 0.1; // timers of a page are not exact
const REPORT_MS = 50;

export class ScheduledOutput {
  /** @type {(event: { data: any }) => void} */
  onmessage = () => {};
  #answer = 0;
  #timer = 0;
  #started = false;
  #complete = false;
  /** When the next samples follow, and how much of the time before was sound, in seconds of the context. */
  #next = 0;
  #queued = 0;
  /** @type {Set<AudioBufferSourceNode>} */
  #sources = new Set();

  /** @param {AudioContext} context */
  constructor(context) {
    this.context = context;
  }

  /** @param {any} message as the worklet takes it */
  postMessage(message) {
    if ("begin" in message) this.#begin(message.begin);
    else if (message.answer !== this.#answer) return;
    else if (message.samples) this.#schedule(message.samples);
    else if (message.complete) this.#complete = true;
    else if (message.stop) this.#report(true);
  }

  /** @param {number} answer */
  #begin(answer) {
    this.#end();
    this.#answer = answer;
    this.#started = this.#complete = false;
    this.#queued = 0;
    this.#timer = window.setInterval(() => this.#report(this.#complete && this.#next <= this.context.currentTime), REPORT_MS);
  }

  /** @param {Float32Array<ArrayBuffer>} samples */
  #schedule(samples) {
    if (!samples.length) return;
    const now = this.context.currentTime;
    if (!this.#started) {
      this.#started = true;
      this.#next = now + AHEAD_SECONDS;
      this.onmessage({ data: { answer: this.#answer, started: true } });
    } else if (this.#next < now) {
      this.onmessage({ data: { answer: this.#answer, gap: now - this.#next } });
      this.#next = now + AHEAD_SECONDS;
    }
    const buffer = this.context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(samples, 0);
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    source.onended = () => this.#sources.delete(source);
    source.start(this.#next);
    this.#sources.add(source);
    this.#next += buffer.duration;
    this.#queued += buffer.duration;
  }

  /** @param {boolean} over */
  #report(over) {
    const waiting = Math.max(0, this.#next - this.context.currentTime);
    const played = this.#started ? Math.max(0, this.#queued - waiting) : 0;
    const answer = this.#answer;
    if (over) this.#end();
    if (this.#started || over) this.onmessage({ data: { answer, played, level: over ? 0 : 0.1, over } });
  }

  #end() {
    clearInterval(this.#timer);
    this.#answer = 0;
    for (const source of this.#sources) source.stop();
    this.#sources.clear();
  }
}
