/** The conversation: one turn at a time, by recordings or hands-free, and what interrupts it. */

import { RATE, wavFile } from "./audio/pcm.js";
import { RealtimeSession } from "./transports/realtime_session.js";
import { keepHeardWords } from "./transports/heard_words.js";
import { speechToSpeech } from "./transports/speech_to_speech.js";
import { Turn } from "./turn.js";

const BLOCK_SECONDS = 0.04;
const SHORTEST_SECONDS = 0.3;
const LONGEST_SECONDS = 300;

/** Older turns are forgotten, with their recordings. */
const MOST_TURNS = 200;

export class Talk {
  /** @type {Turn[]} */
  turns = [];
  /** @type {"idle" | "listening" | "waiting" | "speaking" | "hands-free"} */
  state = "idle";
  /** @type {{ turn: Turn, playback: import("./audio/player.js").Playback, abort: AbortController } | null} */
  #running = null;
  /** @type {Int16Array<ArrayBuffer>[] | null} */
  #recording = null;
  /** @type {RealtimeSession | null} */
  #session = null;
  /** Until then the next turn has to wait. @type {Promise<void>} */
  #remembered = Promise.resolve();

  /**
   * @param {import("./gateway.js").Gateway} gateway
   * @param {import("./audio/player.js").Player} player
   * @param {import("./audio/microphone.js").Microphone} microphone
   * @param {import("./views/settings_form.js").SettingsForm} settings
   * @param {{ turn: (turn: Turn) => void, state: () => void, problem: (message: string) => void }} told
   */
  constructor(gateway, player, microphone, settings, told) {
    this.gateway = gateway;
    this.player = player;
    this.microphone = microphone;
    this.settings = settings;
    this.told = told;
  }

  /** Begin to record; what is being said is interrupted. */
  async listen() {
    this.interrupt();
    this.#recording = [];
    const blocks = this.#recording;
    this.#become("listening");
    try {
      await this.player.open();
      await this.microphone.start((block) => {
        blocks.push(block);
        if (blocks.length * BLOCK_SECONDS >= LONGEST_SECONDS) this.ask();
      });
      if (this.#recording !== blocks) this.microphone.stop(); // the button was released while the browser asked
    } catch (error) {
      this.#recording = null;
      this.#become("idle");
      this.told.problem(/** @type {Error} */ (error).message);
    }
  }

  /** End the recording and ask it. */
  async ask() {
    const blocks = this.#recording;
    if (!blocks) return;
    this.#recording = null;
    this.microphone.stop();
    if (blocks.length * BLOCK_SECONDS < SHORTEST_SECONDS) {
      this.#become("idle");
      this.told.problem("That was too short: hold the button while you speak, or tap it to begin and again to end.");
      return;
    }
    await this.askSound(wavFile(blocks, RATE), "microphone");
  }

  /** @param {Blob} sound @param {string} source */
  async askSound(sound, source) {
    await this.#run(source, { fields: this.settings.speechToSpeech(this.#conversation), sound });
  }

  /** Have a text spoken that belongs to no turn. @param {Record<string, any>} speech a request for it */
  async say(speech) {
    this.interrupt();
    await this.player.open();
    const playback = this.player.begin();
    const headers = { "content-type": "application/json" };
    const answer = await this.gateway.fetch("v1/audio/speech", { method: "POST", headers, body: JSON.stringify(speech) });
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) playback.feed(part.value);
    playback.complete();
  }

  /** Tell the model what a function gave. @param {import("./turn.js").Call} call @param {string} output */
  async answerCall(call, output) {
    call.answered = true;
    if (this.#session) {
      this.#session.answerCall(call, output);
      return;
    }
    const result = { role: "tool", tool_call_id: call.callId, content: output };
    const fields = { ...this.settings.speechToSpeech(this.#conversation), messages: [result] };
    await this.#run("tool result", { fields, sound: null });
  }

  /** Silence at once, whatever is going on. */
  interrupt() {
    if (this.#recording) {
      this.#recording = null;
      this.microphone.stop();
    }
    this.#session?.interrupt();
    const running = this.#running;
    this.#running = null;
    if (running) {
      running.playback.stop();
      running.abort.abort();
      this.#cut(running.turn);
    }
    this.#become(this.#session ? "hands-free" : "idle");
  }

  /** @param {Turn} turn */
  #cut(turn) {
    if (turn.over) return;
    turn.end("interrupted");
    if (!turn.marks.complete || !turn.conversation) return; // the gateway itself notices that nobody listens
    const kept = keepHeardWords(this.gateway, turn);
    this.#remembered = kept.catch((error) => this.told.problem(error.message));
  }

  /** The next turn knows nothing of those before. */
  forget() {
    this.interrupt();
    this.turns.length = 0;
  }

  /** The conversation that the next turn continues. */
  get #conversation() {
    return this.turns.findLast((turn) => turn.conversation)?.conversation ?? null;
  }

  /** Talk without a button until `handsOn`. @param {import("./transports/websocket_link.js").Link} link */
  async handsFree(link) {
    this.interrupt();
    const closed = () => {
      if (this.#session !== session) return; // it was ended, and the next one may have begun
      this.#session = null;
      this.#become("idle");
    };
    const session = new RealtimeSession(link, this.player, {
      turn: (turn) => this.#add(turn),
      problem: this.told.problem,
      closed,
    });
    this.#session = session;
    this.#become("hands-free");
    try {
      await this.player.open();
      await session.open(this.settings.realtime());
      if (this.#session !== session) session.close(); // it was ended while it began
    } catch (error) {
      session.close();
      if (this.#session !== session) return; // it was ended while it began
      closed();
      this.told.problem(/** @type {Error} */ (error).message);
    }
  }

  handsOn() {
    this.#session?.close();
    this.#session = null;
    this.#become("idle");
  }

  /** @param {string} source @param {import("./turn.js").Asked} asked */
  async #run(source, asked) {
    this.interrupt();
    const turn = new Turn("speech-to-speech", source);
    turn.asked = asked;
    turn.mark("asked");
    this.#become("waiting");
    this.#add(turn);
    const abort = new AbortController();
    let playback;
    try {
      await this.player.open();
      playback = this.player.begin();
      turn.soundsAs(playback);
      const running = { turn, playback, abort };
      this.#running = running;
      turn.watch(() => this.#running === running && this.#become(turn.over ? "idle" : turn.state));
      await this.#remembered;
      await speechToSpeech(this.gateway, turn, playback, abort.signal);
      if (!turn.marks.arrived) turn.end("done");
    } catch (error) {
      if (abort.signal.aborted) return;
      playback?.complete(); // what arrived is heard
      turn.end("failed", /** @type {Error} */ (error).message);
      this.#become("idle");
    }
  }

  /** @param {Turn} turn */
  #add(turn) {
    this.turns.push(turn);
    if (this.turns.length > MOST_TURNS) this.turns.shift();
    this.told.turn(turn);
  }

  /** @param {any} state */
  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.told.state();
  }
}
