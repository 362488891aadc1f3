/** Samples of 16 bits, mono, little-endian: as files, as base64, and as the numbers that browsers play. */

/** Hz; what the gateway sends, and what realtime sessions take. */
export const RATE = 24000;

/** @param {Int16Array<ArrayBuffer>[]} blocks @param {number} rate @returns {Blob} a WAV file */
export function wavFile(blocks, rate) {
  const bytes = blocks.reduce((sum, block) => sum + block.byteLength, 0);
  const header = new DataView(new ArrayBuffer(44));
  const text = (/** @type {number} */ at, /** @type {string} */ word) =>
    [...word].forEach((letter, index) => header.setUint8(at + index, letter.charCodeAt(0)));
  text(0, "RIFF");
  header.setUint32(4, 36 + bytes, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true); // PCM
  header.setUint16(22, 1, true); // mono
  header.setUint32(24, rate, true);
  header.setUint32(28, rate * 2, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  text(36, "data");
  header.setUint32(40, bytes, true);
  return new Blob([header, ...blocks], { type: "audio/wav" });
}

/** @param {ArrayBuffer} buffer */
export function toBase64(buffer) {
  let text = "";
  for (const byte of new Uint8Array(buffer)) text += String.fromCharCode(byte);
  return btoa(text);
}

/** @param {string} text @returns {Uint8Array} */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Bytes that arrive in slices of any length, as samples between -1 and 1. */
export class SampleReader {
  /** @type {number | null} */
  #half = null;

  /** @param {Uint8Array} bytes @returns {Float32Array} */
  read(bytes) {
    const given = this.#half === null ? bytes : Uint8Array.from([this.#half, ...bytes]);
    this.#half = given.length % 2 ? given[given.length - 1] : null;
    const view = new DataView(given.buffer, given.byteOffset, given.length & ~1);
    return Float32Array.from({ length: view.byteLength / 2 }, (_, index) => view.getInt16(index * 2, true) / 32768);
  }
}
