/** Requests to the gateway that this page came from; the key lives here, in memory only. */

export class GatewayError extends Error {
  /** @param {string} message @param {number} [status] 0 where no answer came */
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

export class Gateway {
  /** @type {string} */
  #key = "";

  /** @param {(message: string) => void} onKeyNeeded called when an answer is 401 */
  constructor(onKeyNeeded) {
    this.onKeyNeeded = onKeyNeeded;
    this.base = new URL(".", document.baseURI);
  }

  /** @param {string} key */
  useKey(key) {
    this.#key = key;
  }

  get key() {
    return this.#key;
  }

  /** @param {string} path relative, so that a proxy may add a prefix */
  url(path) {
    return new URL(path, this.base);
  }

  /**
   * @param {string} path
   * @param {RequestInit} [options]
   * @returns {Promise<Response>} of status 2xx; throws GatewayError, or an AbortError
   */
  async fetch(path, options = {}) {
    const headers = new Headers(options.headers);
    if (this.#key) headers.set("authorization", `Bearer ${this.#key}`);
    let answer;
    try {
      answer = await fetch(this.url(path), { ...options, headers });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new GatewayError("The gateway does not answer. Is it running?");
    }
    if (answer.ok) return answer;
    const message = await refusal(answer);
    if (answer.status === 401) this.onKeyNeeded(this.#key ? message : "This gateway has keys: enter yours.");
    throw new GatewayError(message, answer.status);
  }

  /** @param {string} path @returns {Promise<any>} */
  async json(path) {
    return (await this.fetch(path)).json();
  }
}

/** @param {Response} answer */
async function refusal(answer) {
  try {
    return (await answer.json()).error.message;
  } catch {
    return `The gateway answered with status ${answer.status}.`;
  }
}
