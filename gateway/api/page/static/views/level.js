/** The meter: the last seconds of loudness as bars, in the colour of who is heard. */

import { byId } from "../element.js";

const BAR_PX = 5;

export class LevelMeter {
  #canvas = byId("level");
  /** @type {number[]} */
  #levels = [];
  #drawn = false;

  /** @param {number} level 0 to 1 */
  push(level) {
    this.#levels.push(Math.min(1, Math.sqrt(level) * 1.6)); // loudness as the ear has it
    if (this.#drawn) return;
    this.#drawn = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#drawn = false;
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = devicePixelRatio;
    if (this.#canvas.width !== width * scale) this.#canvas.width = width * scale;
    if (this.#canvas.height !== height * scale) this.#canvas.height = height * scale;
    const bars = Math.floor(width / BAR_PX);
    this.#levels = this.#levels.slice(-bars);
    const pen = this.#canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.fillStyle = getComputedStyle(this.#canvas).color;
    this.#levels.forEach((level, index) => {
      const size = Math.max(2, level * height);
      const left = width - (this.#levels.length - index) * BAR_PX;
      pen.beginPath();
      pen.roundRect(left, (height - size) / 2, BAR_PX - 2, size, 2);
      pen.fill();
    });
  }
}
