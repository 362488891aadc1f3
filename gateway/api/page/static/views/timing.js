/** Where the time of a turn goes: its waterfall, the last turns side by side, p50 and p95. */

import { byId, element } from "../element.js";
import { milliseconds, percentile } from "../statistics.js";

const SHOWN_TURNS = 12;
const COLUMNS = ["heard", "token", "clause", "audio"];

export class TimingView {
  #waterfall = byId("waterfall");
  #comparison = byId("comparison");
  #rows = byId("turn-rows");
  #summary = byId("turn-summary");
  /** @type {import("../turn.js").Turn | null} */
  #chosen = null;

  /** @param {import("../turn.js").Turn[]} turns of the session, those that come included */
  constructor(turns) {
    this.turns = turns;
    this.show();
  }

  /** @param {import("../turn.js").Turn} turn */
  add(turn) {
    this.#chosen = turn;
    turn.watch(() => turn === this.#chosen && this.#showWaterfall(turn));
    turn.watch(() => turn.over && this.#showTable());
    this.show();
  }

  clear() {
    this.#chosen = null;
    this.show();
  }

  show() {
    this.#showWaterfall(this.#chosen);
    this.#showTable();
  }

  /** @param {import("../turn.js").Turn | null} turn */
  #showWaterfall(turn) {
    byId("no-timing").hidden = Boolean(turn);
    byId("waterfall-head").hidden = !turn;
    byId("waterfall-title").textContent = turn ? `Turn ${turn.number}` : "";
    const first = turn?.after("sounded") ?? turn?.after("arrived") ?? null;
    byId("first-sound").textContent = first === null ? "" : `${milliseconds(first)} to first sound`;
    this.#waterfall.replaceChildren(...(turn ? rowsOf(turn) : []));
  }

  #showTable() {
    const known = this.turns.filter((turn) => turn.over && turn.stages().length > 0);
    const scale = Math.max(1, ...known.map((turn) => turn.stages().at(-1)?.to ?? 0));
    const shown = known.slice(-SHOWN_TURNS).reverse();
    this.#comparison.replaceChildren(...shown.map((turn) => this.#bar(turn, scale)));
    this.#rows.replaceChildren(...shown.map(row));
    byId("comparison-title").hidden = byId("turn-table").hidden = !known.length;
    this.#summary.replaceChildren(
      ...(known.length > 1 ? [0.5, 0.95] : []).map((share) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, `p${share * 100}`),
          ...COLUMNS.map((name) => cell(percentile(known.map((turn) => turn.length(name)), share))),
          cell(percentile(known.map((turn) => turn.after("sounded")), share)),
        ),
      ),
    );
  }

  /** A turn beside the others, which can be chosen. @param {import("../turn.js").Turn} turn @param {number} scale */
  #bar(turn, scale) {
    const choose = () => {
      this.#chosen = turn;
      this.show();
    };
    const current = turn === this.#chosen ? "true" : null;
    const label = `Show turn ${turn.number}`;
    return element(
      "li",
      {},
      element(
        "button",
        { type: "button", class: "link", onclick: choose, "aria-current": current, "aria-label": label },
        `${turn.number}`,
      ),
      element("span", { class: "stack", "aria-hidden": "true" }, ...turn.stages().map((stage) => part(stage, scale))),
      element("span", { class: "stage-time" }, milliseconds(turn.after("sounded"))),
    );
  }
}

/** @param {import("../turn.js").Turn} turn */
function row(turn) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, `${turn.number}`),
    ...COLUMNS.map((name) => cell(turn.length(name))),
    cell(turn.after("sounded")),
  );
}

/** @param {number | null} value */
function cell(value) {
  return element("td", {}, value === null ? "–" : String(Math.round(value)));
}

/** @param {import("../turn.js").Stage} stage @param {number} scale milliseconds of the whole width */
function part(stage, scale) {
  const made = element("span", { class: "part", "data-stage": stage.name });
  const from = Math.min(stage.from, scale);
  made.style.setProperty("--from", `${(from / scale) * 100}%`);
  made.style.setProperty("--size", `${((Math.min(stage.to, scale) - from) / scale) * 100}%`);
  return made;
}

/** @param {import("../turn.js").Turn} turn */
function rowsOf(turn) {
  const stages = turn.stages();
  const sounded = turn.after("sounded");
  const rows = [...stages];
  if (sounded !== null) rows.push({ name: "speech", label: "spoken", from: sounded, to: sounded + turn.played * 1000 });
  for (const gap of turn.gaps) rows.push({ name: "gap", label: "gap in the sound", ...gap });
  // Speech lasts far longer than what leads to it: the scale is that of the way, and speech goes over the edge.
  const scale = Math.max(1, stages.at(-1)?.to ?? 0) * 1.25;
  return rows.map((each) =>
    element(
      "li",
      {},
      element("span", { class: "stage-name" }, each.label),
      element("span", { class: "track", "aria-hidden": "true" }, part(each, scale)),
      element("span", { class: "stage-time" }, milliseconds(each.to - each.from)),
    ),
  );
}
