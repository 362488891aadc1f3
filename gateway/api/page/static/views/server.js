/** What the gateway says of itself: readiness, routes and their engines, queues, version, metrics. */

import { byId, element } from "../element.js";

const OFTEN_MS = 3000;
const SELDOM_MS = 15000;

export class ServerView {
  #timer = 0;
  #state = "";

  /**
   * @param {import("../gateway.js").Gateway} gateway
   * @param {(models: any[]) => void} onModels called when the routes are known, and when their state changes
   */
  constructor(gateway, onModels) {
    this.gateway = gateway;
    this.onModels = onModels;
    byId("show-metrics").onclick = () => this.#showMetrics();
  }

  /** Ask now, and again as long as the page is open. */
  async refresh() {
    clearTimeout(this.#timer);
    await this.#ask();
    const often = document.body.dataset.view === "server" || this.#state === "loading";
    this.#timer = window.setTimeout(() => this.refresh(), often ? OFTEN_MS : SELDOM_MS);
  }

  async #ask() {
    let ready;
    try {
      ready = await (await fetch(this.gateway.url("ready"))).json();
    } catch {
      this.#say("unreachable", "not reachable");
      this.#state = "";
      return;
    }
    this.#say(ready.status, ready.status);
    this.#showQueues(ready.queues);
    const state = JSON.stringify([ready.status, ready.models]);
    if (state === this.#state) return;
    try {
      const [{ version }, { data }] = await Promise.all([this.gateway.json("health"), this.gateway.json("v1/models")]);
      byId("version").textContent = version;
      this.#showRoutes(data.filter((/** @type {any} */ model) => model.id in ready.models)); // others are aliases
      this.onModels(data);
      this.#state = state;
    } catch {
      // Without the key nothing more is known; the page asks for it.
    }
  }

  /** @param {string} state @param {string} text */
  #say(state, text) {
    const pill = byId("readiness");
    pill.dataset.state = state;
    byId("readiness-text").textContent = text;
  }

  /** @param {any[]} models */
  #showRoutes(models) {
    byId("routes").replaceChildren(
      ...models.map((model) =>
        element(
          "li",
          { class: "route" },
          element(
            "h3",
            {},
            element("span", { class: "dot", "data-state": model.state, "aria-hidden": "true" }),
            model.id,
            element("small", {}, model.state),
          ),
          element(
            "dl",
            {},
            ...[
              ["hears with", model.engines.stt.join(" · ") || "the model itself"],
              ["thinks with", model.engines.llm.join(" · ")],
              ["speaks with", model.engines.tts.join(" · ")],
              ["takes", model.input_modalities.join(", ")],
              ["tools", model.tools ? "yes" : "no"],
              ["context", model.context_tokens ? `${model.context_tokens} tokens` : "not known"],
              ["voices", String(model.voices.length)],
            ].map(fact),
          ),
        ),
      ),
    );
  }

  /** @param {any[]} queues */
  #showQueues(queues) {
    byId("no-queues").hidden = queues.length > 0;
    byId("queue-table").hidden = !queues.length;
    byId("queues").replaceChildren(
      ...queues.map((queue) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, `${queue.stage} · ${queue.engine}`),
          ...[`${queue.running} of ${queue.capacity}`, queue.waiting, queue.coming, queue.refused].map((value) =>
            element("td", {}, String(value)),
          ),
        ),
      ),
    );
  }

  async #showMetrics() {
    const shown = byId("metrics");
    shown.hidden = false;
    try {
      shown.textContent = await (await this.gateway.fetch("metrics")).text();
    } catch (error) {
      shown.textContent = /** @type {Error} */ (error).message;
    }
  }
}

/** @param {string[]} pair */
function fact([name, value]) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, value));
}
