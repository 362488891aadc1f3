/** Reads a stream of server-sent events as the gateway writes them: JSON after "data: ". */

import { GatewayError } from "../gateway.js";

/**
 * @param {Response} answer
 * @returns {AsyncGenerator<any>} the events; throws GatewayError when the connection breaks, or an AbortError
 */
export async function* eventsOf(answer) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
  const decoder = new TextDecoder();
  let pending = "";
  try {
    while (true) {
      const { value, done } = await read(reader);
      if (done) return;
      pending += decoder.decode(value, { stream: true });
      const lines = pending.split("\n");
      pending = lines.pop() ?? "";
      for (const line of lines) if (line.startsWith("data: ")) yield JSON.parse(line.slice(6));
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {ReadableStreamDefaultReader<Uint8Array>} reader */
async function read(reader) {
  try {
    return await reader.read();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new GatewayError("The connection to the gateway was lost in the middle of the answer.");
  }
}
