/** The settings of the next turn: what the form says, as the routes take it. */

import { byId, element } from "../element.js";

const EXAMPLE = [
  {
    type: "function",
    function: {
      name: "current_weather",
      description: "The weather in a city now.",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

export class SettingsForm {
  #route = byId("route");
  #voice = byId("voice");
  #language = byId("language");
  #speed = byId("speed");
  #instructions = byId("instructions");
  #tools = byId("tools");
  #detection = byId("detection");
  #silence = byId("silence");
  #eagerness = byId("eagerness");
  #interrupt = byId("interrupt");

  /** @param {import("../gateway.js").Gateway} gateway */
  constructor(gateway) {
    this.gateway = gateway;
    this.#route.onchange = () => this.loadVoices();
    this.#speed.oninput = () => (byId("speed-shown").textContent = `${Number(this.#speed.value).toFixed(2)}×`);
    this.#tools.oninput = () => this.#checkTools();
    this.#detection.onchange = () => this.#showDetection();
    byId("tools-example").onclick = () => {
      this.#tools.value = JSON.stringify(EXAMPLE, null, 2);
      this.#checkTools();
    };
    this.#showDetection();
  }

  /** Offer the routes of the gateway. @param {any[]} models */
  offer(models) {
    const chosen = this.#route.value;
    const options = models.map((model) => element("option", { value: model.id }, model.id));
    this.#route.replaceChildren(...options);
    if (models.some((model) => model.id === chosen)) this.#route.value = chosen;
  }

  async loadVoices() {
    const { voices } = await this.gateway.json(`v1/audio/voices?model=${encodeURIComponent(this.#route.value)}`);
    const chosen = this.#voice.value;
    const named = voices.map((/** @type {any} */ voice) =>
      element("option", { value: voice.id }, voice.language ? `${voice.name} (${voice.language})` : voice.name),
    );
    this.#voice.replaceChildren(element("option", { value: "" }, "the route's own"), ...named);
    if (voices.some((/** @type {any} */ voice) => voice.id === chosen)) this.#voice.value = chosen;
  }

  /** The fields of a voice turn. @param {string | null} conversation */
  speechToSpeech(conversation) {
    return given({
      model: this.#route.value,
      voice: this.#voice.value,
      language: this.#language.value,
      instructions: this.#instructions.value.trim(),
      speed: this.#ownSpeed(),
      tools: this.#toolList(),
      conversation,
      response_format: "pcm",
      stream_format: "sse",
    });
  }

  /** The route and the session of a hands-free conversation. */
  realtime() {
    const tools = this.#toolList()?.map((/** @type {any} */ tool) => ({ type: "function", ...(tool.function ?? tool) }));
    const transcription = given({ model: this.#route.value, language: this.#language.value });
    const interrupt_response = this.#interrupt.checked;
    const detection =
      this.#detection.value === "semantic_vad"
        ? { type: "semantic_vad", eagerness: this.#eagerness.value, interrupt_response }
        : { type: "server_vad", silence_duration_ms: Number(this.#silence.value), interrupt_response };
    const session = given({
      type: "realtime",
      instructions: this.#instructions.value.trim(),
      tools,
      audio: {
        input: { transcription, turn_detection: detection },
        output: given({ voice: this.#voice.value, speed: this.#ownSpeed() }),
      },
    });
    return { model: this.#route.value, session };
  }

  #ownSpeed() {
    const speed = Number(this.#speed.value);
    return speed === 1 ? null : speed;
  }

  /** @returns {any[] | null} null where there are none, or what is written is no JSON */
  #toolList() {
    return this.#checkTools() ? JSON.parse(this.#tools.value) : null;
  }

  /** Say what is wrong with the tools. @returns {boolean} whether there are any that can be sent */
  #checkTools() {
    const text = this.#tools.value.trim();
    let problem = "";
    try {
      if (text && !Array.isArray(JSON.parse(text))) problem = "Write a JSON array of functions.";
    } catch (error) {
      problem = `This is no JSON: ${/** @type {Error} */ (error).message}`;
    }
    byId("tools-problem").textContent = problem;
    this.#tools.setAttribute("aria-invalid", String(Boolean(problem)));
    return Boolean(text) && !problem;
  }

  #showDetection() {
    const semantic = this.#detection.value === "semantic_vad";
    byId("silence-field").hidden = semantic;
    byId("eagerness-field").hidden = !semantic;
  }

  /** The request for speech in which the voice says the text of the preview. */
  speech() {
    return given({
      model: this.#route.value,
      voice: this.#voice.value,
      language: this.#language.value,
      speed: this.#ownSpeed(),
      input: byId("preview-text").value,
      response_format: "pcm",
    });
  }
}

/** `fields` without those that are not set. @param {Record<string, any>} fields */
function given(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "" && value !== null && value !== undefined));
}
