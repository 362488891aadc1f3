/** A hands-free conversation: the events of a realtime session become turns, whichever way they come. */

import { fromBase64 } from "../audio/pcm.js";
import { Turn } from "../turn.js";

export class RealtimeSession {
  /** @type {Turn | null} */
  #turn = null;
  /** @type {import("../audio/player.js").Playback | null} */
  #playback = null;
  /** The item that is spoken, which the server is told about when it is cut off. */
  #spokenItem = "";
  #responding = false;
  /** @type {Map<string, Turn>} by the item of their question */
  #byQuestion = new Map();

  /**
   * @param {import("./websocket_link.js").Link} link
   * @param {import("../audio/player.js").Player} player
   * @param {{ turn: (turn: Turn) => void, problem: (message: string) => void, closed: () => void }} told
   */
  constructor(link, player, told) {
    this.link = link;
    this.player = player;
    this.told = told;
    link.onEvent = (event) => this.#take(event);
    link.onClosed = (error) => {
      if (error) this.#turn?.end("failed", error.message);
      if (error) told.problem(error.message);
      told.closed();
    };
  }

  /** @param {any} settings as `SettingsForm.realtime` gives them */
  async open(settings) {
    this.settings = settings;
    await this.link.open(settings.model);
    const { input, output } = this.link.formats;
    const session = { ...settings.session };
    session.audio = { input: { ...session.audio.input, ...input }, output: { ...session.audio.output, ...output } };
    this.link.send({ type: "session.update", session });
  }

  close() {
    this.interrupt();
    this.link.close();
  }

  /** Silence at once; the session forgets what was not heard. */
  interrupt() {
    const turn = this.#turn;
    if (this.#responding) this.link.send({ type: "response.cancel" });
    this.#cutOff();
    turn?.end("interrupted");
  }

  /** @param {import("../turn.js").Call} call @param {string} output */
  answerCall(call, output) {
    this.#begin("tool result", performance.now());
    const item = { type: "function_call_output", call_id: call.callId, output };
    this.link.send({ type: "conversation.item.create", item });
    this.link.send({ type: "response.create" });
  }

  #cutOff() {
    const playback = this.#playback;
    if (!playback && this.#turn?.state === "speaking") {
      this.link.silence();
      this.#turn.heardUntilNow();
    }
    if (!playback || playback.over) return;
    playback.stop();
    const audio_end_ms = Math.floor(playback.played * 1000);
    this.link.send({ type: "conversation.item.truncate", item_id: this.#spokenItem, content_index: 0, audio_end_ms });
    this.#playback = null;
  }

  /** @param {string} source @param {number} [askedAt] */
  #begin(source, askedAt) {
    const turn = new Turn("realtime", source);
    turn.asked = { fields: this.settings, sound: null };
    if (askedAt === undefined) turn.state = "listening";
    else turn.mark("asked", askedAt);
    this.#turn = turn;
    this.told.turn(turn);
    return turn;
  }

  /** @param {any} event */
  #take(event) {
    const asking = this.#byQuestion.get(event.item_id);
    switch (event.type) {
      case "input_audio_buffer.speech_started":
        this.#cutOff();
        this.#turn?.end("interrupted");
        this.#byQuestion.set(event.item_id, this.#begin("hands-free"));
        break;
      case "input_audio_buffer.speech_stopped":
        if (asking) {
          asking.mark("asked");
          asking.state = "waiting";
        }
        break;
      case "conversation.item.input_audio_transcription.delta":
        if (asking) asking.question += event.delta;
        break;
      case "conversation.item.input_audio_transcription.completed":
        if (asking) {
          asking.question = event.transcript;
          asking.mark("heard");
        }
        break;
      case "conversation.item.input_audio_transcription.failed":
        if (asking) asking.question = "(not understood)";
        break;
      case "error":
        if (event.error.code !== "response_cancel_not_active") this.told.problem(event.error.message);
        break;
      default:
        this.#takeAnswer(event);
    }
    (asking ?? this.#turn)?.changed();
  }

  /** @param {any} event */
  #takeAnswer(event) {
    const turn = this.#turn;
    if (!turn) return;
    switch (event.type) {
      case "response.created":
        this.#responding = true;
        turn.mark("asked");
        break;
      case "response.output_audio_transcript.delta":
        turn.answer += event.delta;
        turn.mark("written");
        break;
      case "response.output_audio.delta":
        turn.mark("arrived");
        this.#spokenItem = event.item_id;
        this.#playback ??= this.#sound(turn);
        this.#playback.feed(fromBase64(event.delta));
        break;
      case "output_audio_buffer.started":
        turn.mark("arrived");
        turn.mark("sounded");
        turn.state = "speaking";
        break;
      case "output_audio_buffer.stopped":
        turn.heardUntilNow();
        turn.spoken = turn.answer.length;
        turn.end("done");
        break;
      case "response.output_audio.done":
        turn.mark("complete");
        this.#playback?.complete();
        break;
      case "response.output_item.done":
        if (event.item.type === "function_call" && event.item.status === "completed") {
          turn.calls.push({ callId: event.item.call_id, name: event.item.name, arguments: event.item.arguments });
        }
        break;
      case "response.done":
        this.#responding = false;
        this.#finish(turn, event.response);
        break;
    }
  }

  /** @param {Turn} turn @param {any} response */
  #finish(turn, response) {
    if (response.status === "failed") {
      this.#playback?.stop();
      turn.end("failed", response.status_details?.error?.message ?? "The answer failed.");
    } else if (response.status === "cancelled") {
      turn.end("interrupted");
    } else if (!turn.marks.arrived) {
      turn.end("done");
    }
  }

  /** @param {Turn} turn */
  #sound(turn) {
    const playback = this.player.begin();
    turn.soundsAs(playback);
    const follow = playback.onProgress;
    playback.onProgress = () => {
      follow();
      if (playback.over && this.#playback === playback) this.#playback = null;
    };
    return playback;
  }
}
