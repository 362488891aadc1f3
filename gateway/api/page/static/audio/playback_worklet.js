/** Plays one answer at a time without gaps; tells what was played, and for how long samples were missing. */

const REPORT_FRAMES = 1200; // 50 ms
const FIRST_FRAMES = 960; // 40 ms are there before the first is played
const FADE_FRAMES = 120; // 5 ms: sound that is cut off would click

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.port.onmessage = (event) => this.take(event.data);
    this.begin(0);
  }

  /** @param {number} answer */
  begin(answer) {
    this.answer = answer;
    /** @type {Float32Array[]} */
    this.queue = [];
    this.offset = 0; // in the first of them
    this.waiting = 0; // frames in the queue
    this.played = 0;
    this.missing = 0; // frames of the gap that is on
    this.unreported = 0;
    this.loudness = 0;
    this.started = false;
    this.complete = false; // all samples of the answer are here
    this.fade = 0; // frames left of a fade-out, 0: none
  }

  /** @param {any} message */
  take(message) {
    if ("begin" in message) this.begin(message.begin);
    else if (message.answer !== this.answer) return;
    else if (message.samples) {
      this.queue.push(message.samples);
      this.waiting += message.samples.length;
    } else if (message.complete) this.complete = true;
    else if (message.stop) this.fade = FADE_FRAMES;
  }

  /** @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs */
  process(_inputs, outputs) {
    const output = outputs[0][0];
    if (!this.answer) return true;
    if (!this.started && (this.waiting >= FIRST_FRAMES || (this.complete && this.waiting))) {
      this.started = true;
      this.port.postMessage({ answer: this.answer, started: true });
    }
    const frames = this.started ? this.fill(output) : 0;
    for (let index = 0; index < frames; index++) this.loudness += output[index] * output[index];
    if (this.started && frames < output.length && !this.complete && !this.fade) this.missing += output.length - frames;
    if (frames && this.missing) {
      this.port.postMessage({ answer: this.answer, gap: this.missing / sampleRate });
      this.missing = 0;
    }
    this.unreported += frames;
    const over = (this.complete && !this.waiting) || (this.fade > 0 && (this.fade -= frames || FADE_FRAMES) <= 0);
    if (over || this.unreported >= REPORT_FRAMES) this.report(over);
    return true;
  }

  /** Put what is there into `output`; returns for how many frames it was enough. @param {Float32Array} output */
  fill(output) {
    let frames = 0;
    while (frames < output.length && this.queue.length) {
      const first = this.queue[0];
      const count = Math.min(first.length - this.offset, output.length - frames);
      output.set(first.subarray(this.offset, this.offset + count), frames);
      frames += count;
      this.offset += count;
      if (this.offset === first.length) {
        this.queue.shift();
        this.offset = 0;
      }
    }
    if (this.fade) for (let index = 0; index < frames; index++) output[index] *= Math.max(0, (this.fade - index) / FADE_FRAMES);
    this.waiting -= frames;
    this.played += frames;
    return frames;
  }

  /** @param {boolean} over */
  report(over) {
    const level = Math.sqrt(this.loudness / Math.max(1, this.unreported));
    this.port.postMessage({ answer: this.answer, played: this.played / sampleRate, level, over });
    this.unreported = 0;
    this.loudness = 0;
    if (over) this.answer = 0;
  }
}

registerProcessor("playback", Playback);
