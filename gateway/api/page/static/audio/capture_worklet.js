/** Runs beside the microphone: blocks of 40 ms at the rate asked for, each with its loudness. */

class Capture extends AudioWorkletProcessor {
  /** @param {any} options */
  constructor(options) {
    super();
    this.step = sampleRate / options.processorOptions.rate;
    this.block = new Int16Array(options.processorOptions.rate / 25);
    this.filled = 0;
    this.loudness = 0;
    // Input samples that are summed up for the next output sample: their mean is a plain low-pass filter.
    this.sum = 0;
    this.weight = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    for (const sample of inputs[0][0] ?? []) {
      const missing = this.step - this.weight;
      if (missing > 1) {
        this.sum += sample;
        this.weight += 1;
        continue;
      }
      this.put((this.sum + sample * missing) / this.step);
      for (this.weight = 1 - missing; this.weight >= this.step; this.weight -= this.step) this.put(sample);
      this.sum = sample * this.weight;
    }
    return true;
  }

  /** @param {number} value */
  put(value) {
    this.loudness += value * value;
    this.block[this.filled++] = Math.max(-1, Math.min(1, value)) * 32767;
    if (this.filled < this.block.length) return;
    const samples = this.block.slice();
    this.port.postMessage({ samples, level: Math.sqrt(this.loudness / samples.length) }, [samples.buffer]);
    this.filled = 0;
    this.loudness = 0;
  }
}

registerProcessor("capture", Capture);
