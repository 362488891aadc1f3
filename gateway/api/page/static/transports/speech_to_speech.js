/** A turn through POST /v1/audio/speech-to-speech: a recording goes up, an event stream comes back. */

import { fromBase64 } from "../audio/pcm.js";
import { GatewayError } from "../gateway.js";
import { eventsOf } from "./event_stream.js";

export const PATH = "v1/audio/speech-to-speech";

/**
 * @param {import("../gateway.js").Gateway} gateway
 * @param {import("../turn.js").Turn} turn its `asked` is sent
 * @param {import("../audio/player.js").Playback} playback
 * @param {AbortSignal} signal
 */
export async function speechToSpeech(gateway, turn, playback, signal) {
  const asked = /** @type {import("../turn.js").Asked} */ (turn.asked);
  const answer = await gateway.fetch(PATH, { method: "POST", body: form(asked), signal });
  turn.conversation = answer.headers.get("x-conversation-id");
  let complete = false;
  for await (const event of eventsOf(answer)) {
    if (event.error) throw new GatewayError(event.error.message);
    take(event, turn, playback);
    complete = event.type === "speech.audio.done";
    turn.changed();
  }
  if (!complete) throw new GatewayError("The gateway stopped in the middle of the answer.");
}

/** @param {import("../turn.js").Asked} asked */
function form(asked) {
  const body = new FormData();
  if (asked.sound) body.append("file", asked.sound, fileName(asked.sound));
  for (const [name, value] of Object.entries(asked.fields)) {
    body.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return body;
}

/** @param {Blob} sound */
export function fileName(sound) {
  return sound instanceof File ? sound.name : "question.wav";
}

/** @param {any} event @param {import("../turn.js").Turn} turn @param {import("../audio/player.js").Playback} playback */
function take(event, turn, playback) {
  switch (event.type) {
    case "transcript.text.delta":
      turn.question += event.delta;
      break;
    case "transcript.text.done":
      turn.question = event.text;
      turn.mark("heard");
      break;
    case "speech.text.delta":
      turn.answer += event.delta;
      turn.mark("written");
      break;
    case "speech.text.done":
      turn.answer = event.text;
      break;
    case "speech.utterance.started":
      turn.caption(event.text);
      break;
    case "speech.audio.delta":
      turn.mark("arrived");
      playback.feed(fromBase64(event.audio));
      break;
    case "speech.function_call.done":
      turn.calls.push({ callId: event.call_id, name: event.name, arguments: event.arguments, invalid: event.invalid });
      break;
    case "speech.audio.done":
      turn.timings = event.timings;
      turn.mark("complete");
      playback.complete();
      break;
  }
}
