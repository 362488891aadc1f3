/** The conversation as it is read: questions, answers with the part that was heard, function calls, code. */

import { byId, element } from "../element.js";
import { LANGUAGES, snippet } from "../snippets.js";
import { milliseconds } from "../statistics.js";
import { fileName } from "../transports/speech_to_speech.js";

export class ConversationView {
  #list = byId("conversation");
  #scroll = byId("scroll");

  /**
   * @param {import("../gateway.js").Gateway} gateway
   * @param {import("../talk.js").Talk} talk
   * @param {(message: string) => void} say for those who hear the page
   */
  constructor(gateway, talk, say) {
    this.gateway = gateway;
    this.talk = talk;
    this.say = say;
  }

  /** @param {import("../turn.js").Turn} turn */
  add(turn) {
    byId("welcome").hidden = true;
    const card = new TurnCard(turn, this);
    this.#list.append(card.item);
    while (this.#list.childElementCount > this.talk.turns.length) this.#list.firstElementChild.remove();
    turn.watch(() => this.#following(() => card.show()));
    card.show();
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  /** Stay at the end when `change` makes the text longer, unless the reader has scrolled up. @param {() => void} change */
  #following(change) {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroll;
    change();
    if (scrollTop + clientHeight > scrollHeight - 40) this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  clear() {
    this.#list.replaceChildren();
    byId("welcome").hidden = false;
  }
}

class TurnCard {
  #question = element("p", { class: "question" });
  #heard = element("span", { class: "heard" });
  #unheard = element("span", { class: "unheard" });
  #answer = element("p", { class: "answer" }, this.#heard, this.#unheard);
  #note = element("p", { class: "note" });
  #calls = element("div", { class: "calls" });
  #code = element("div", { class: "code" });
  #foot = element("div", { class: "foot" }, this.#note, this.#code);
  #announced = false;

  /** @param {import("../turn.js").Turn} turn @param {ConversationView} view */
  constructor(turn, view) {
    this.turn = turn;
    this.view = view;
    const label = element("h3", { class: "turn-label" }, `Turn ${turn.number} · ${turn.source}`);
    this.item = element(
      "li",
      { class: "turn" },
      label,
      this.#question,
      this.#answer,
      this.#calls,
      this.#foot,
    );
    this.#fillCode();
  }

  show() {
    const { turn } = this;
    this.item.dataset.state = turn.state;
    this.#question.textContent = turn.question || waitingFor(turn);
    this.#question.classList.toggle("pending", !turn.question);
    this.#heard.textContent = turn.answer.slice(0, turn.spoken);
    this.#unheard.textContent = turn.answer.slice(turn.spoken);
    this.#answer.hidden = !turn.answer;
    this.#note.textContent = noteOf(turn);
    this.#note.hidden = !this.#note.textContent;
    for (const call of turn.calls.slice(this.#calls.childElementCount)) this.#calls.append(this.#callForm(call));
    this.#code.hidden = !turn.over;
    if (turn.over && !this.#announced) {
      this.#announced = true;
      this.view.say(spokenSummary(turn));
    }
  }

  /** @param {import("../turn.js").Call} call */
  #callForm(call) {
    const field = /** @type {any} */ (element("input", { type: "text", autocomplete: "off", value: '{"result": ""}' }));
    const send = /** @type {any} */ (element("button", { type: "submit", class: "small" }, "Send result"));
    const form = element(
      "form",
      { class: "call" },
      element("p", {}, "Calls ", element("code", {}, `${call.name}(${call.arguments})`)),
      call.invalid ? element("p", { class: "problem" }, call.invalid) : null,
      element("label", {}, element("span", {}, "Its result"), field),
      send,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      field.disabled = send.disabled = true;
      this.view.talk.answerCall(call, field.value);
    });
    return form;
  }

  #fillCode() {
    const buttons = LANGUAGES[this.turn.route].map((language) =>
      element("button", { type: "button", onclick: () => this.#copy(language) }, language),
    );
    this.#code.append(element("span", {}, "Copy as"), ...buttons);
    const sound = this.turn.asked?.sound;
    if (!sound) return;
    this.#code.append(element("button", { type: "button", onclick: () => download(sound) }, "Save the recording"));
  }

  /** @param {import("../snippets.js").Language} language */
  async #copy(language) {
    const { gateway } = this.view;
    const code = snippet(this.turn, language, { base: gateway.base, keyed: Boolean(gateway.key) });
    const shown = this.item.querySelector("pre") ?? element("pre", { tabindex: "0", "aria-label": "Code of this turn" });
    shown.textContent = code;
    this.item.append(shown);
    try {
      await navigator.clipboard.writeText(code);
      this.view.say(`Copied as ${language}.`);
    } catch {
      getSelection()?.selectAllChildren(shown); // without HTTPS there is no clipboard
      this.view.say("Selected: copy it with the keyboard.");
    }
  }
}

/** @param {import("../turn.js").Turn} turn */
function waitingFor(turn) {
  if (turn.source === "tool result") return "The result of the function.";
  return turn.state === "listening" ? "Listening…" : turn.over ? "Nothing was understood." : "Hearing what you said…";
}

/** @param {import("../turn.js").Turn} turn */
function noteOf(turn) {
  if (turn.state === "failed") return turn.error;
  if (turn.state === "interrupted") return turn.answer ? "Interrupted: what was not heard is crossed out." : "Interrupted.";
  if (turn.state === "waiting" && turn.marks.heard && !turn.answer) return "Thinking…";
  return turn.over && turn.after("sounded") !== null ? `First sound after ${milliseconds(turn.after("sounded"))}` : "";
}

/** @param {import("../turn.js").Turn} turn */
function spokenSummary(turn) {
  if (turn.state === "failed") return turn.error;
  return `${turn.question ? `You: ${turn.question}. ` : ""}${turn.answer ? `Answer: ${turn.answer}` : ""}`;
}

/** @param {Blob} sound */
function download(sound) {
  const link = /** @type {HTMLAnchorElement} */ (element("a", { download: fileName(sound) }));
  link.href = URL.createObjectURL(sound);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
