/** A turn as code that asks exactly the same. */

import { fileName, PATH } from "./transports/speech_to_speech.js";

/** @typedef {"curl" | "Python" | "JavaScript"} Language */

/** @type {Record<string, Language[]>} by the route of the turn; curl speaks no WebSocket */
export const LANGUAGES = { "speech-to-speech": ["curl", "Python", "JavaScript"], realtime: ["Python", "JavaScript"] };

/**
 * @param {import("./turn.js").Turn} turn
 * @param {Language} language
 * @param {{ base: URL, keyed: boolean }} gateway
 * @returns {string}
 */
export function snippet(turn, language, gateway) {
  const asked = /** @type {import("./turn.js").Asked} */ (turn.asked);
  if (turn.route === "realtime") return (language === "Python" ? realtimePython : realtimeJavaScript)(asked, gateway);
  return { curl, Python: python, JavaScript: javaScript }[language](asked, gateway);
}

/** @param {Record<string, any>} fields @returns {[string, string][]} as a form has them */
function texts(fields) {
  return Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === "object" ? JSON.stringify(value) : String(value),
  ]);
}

/** @param {string} text for a POSIX shell */
function shell(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** @param {import("./turn.js").Asked} asked @param {any} gateway */
function curl(asked, gateway) {
  const lines = [`curl --fail-with-body --no-buffer ${shell(new URL(PATH, gateway.base).href)}`];
  if (gateway.keyed) lines.push('-H "Authorization: Bearer $SPEECH_GATEWAY_KEY"');
  if (asked.sound) lines.push(`-F ${shell(`file=@${fileName(asked.sound)}`)}`);
  for (const [name, text] of texts(asked.fields)) lines.push(`--form-string ${shell(`${name}=${text}`)}`);
  return lines.join(" \\\n  ");
}

/** @param {import("./turn.js").Asked} asked @param {any} gateway */
function python(asked, gateway) {
  const sound = asked.sound ? fileName(asked.sound) : null;
  return `import base64
import os

from openai import BaseModel, OpenAI, Stream


class Event(BaseModel):
    type: str
    audio: str | None = None
    text: str | None = None


client = OpenAI(base_url=${JSON.stringify(new URL("v1", gateway.base).href)}, api_key=${apiKey(gateway)})
events = client.post(
    "/audio/speech-to-speech",
    cast_to=Event,
    stream=True,
    stream_cls=Stream[Event],
    body=${indented(Object.fromEntries(texts(asked.fields)), 4)},
    ${sound ? `files={"file": open(${JSON.stringify(sound)}, "rb")},\n    ` : ""}options={"headers": {"Content-Type": "multipart/form-data"}},
)
with events, open("answer.pcm", "wb") as answer:  # s16le, 24 kHz, mono
    for event in events:
        if event.audio:
            answer.write(base64.b64decode(event.audio))
        elif event.text:
            print(event.text)
`;
}

/** @param {any} gateway */
function apiKey(gateway) {
  return gateway.keyed ? 'os.environ["SPEECH_GATEWAY_KEY"]' : 'os.environ.get("SPEECH_GATEWAY_KEY", "none")';
}

/** @param {any} value @param {number} spaces */
function indented(value, spaces) {
  return JSON.stringify(value, null, 4).replaceAll("\n", `\n${" ".repeat(spaces)}`);
}

/** @param {import("./turn.js").Asked} asked @param {any} gateway */
function javaScript(asked, gateway) {
  const lines = [
    'import { readFile } from "node:fs/promises";',
    "",
    "const form = new FormData();",
    ...texts(asked.fields).map(([name, text]) => `form.append(${JSON.stringify(name)}, ${JSON.stringify(text)});`),
  ];
  if (asked.sound) {
    const name = JSON.stringify(fileName(asked.sound));
    lines.push(`form.append("file", new Blob([await readFile(${name})]), ${name});`);
  }
  const headers = gateway.keyed ? "headers: { authorization: `Bearer ${process.env.SPEECH_GATEWAY_KEY}` }, " : "";
  lines.push(
    `const answer = await fetch(${JSON.stringify(new URL(PATH, gateway.base).href)}, {`,
    `  method: "POST", ${headers}body: form,`,
    "});",
    "if (!answer.ok) throw new Error(await answer.text());",
    "for await (const bytes of answer.body) process.stdout.write(bytes); // events, one JSON text after each “data: ”",
  );
  return `${lines.join("\n")}\n`;
}

/** @param {import("./turn.js").Asked} asked @param {any} gateway */
function realtimePython(asked, gateway) {
  const { model, session } = asked.fields;
  return `import asyncio
import json
import os

from openai import AsyncOpenAI

SESSION = json.loads(${JSON.stringify(JSON.stringify(session))})


async def main():
    client = AsyncOpenAI(base_url=${JSON.stringify(new URL("v1", gateway.base).href)}, api_key=${apiKey(gateway)})
    async with client.realtime.connect(model=${JSON.stringify(model)}) as connection:
        await connection.session.update(session=SESSION)
        # Send sound with connection.input_audio_buffer.append(audio=…), s16le, 24 kHz, mono, base64.
        async for event in connection:
            print(event.type)


asyncio.run(main())
`;
}

/** @param {import("./turn.js").Asked} asked @param {any} gateway */
function realtimeJavaScript(asked, gateway) {
  const { model, session } = asked.fields;
  const url = new URL("v1/realtime", gateway.base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("model", model);
  const key = gateway.keyed ? ", `openai-insecure-api-key.${process.env.SPEECH_GATEWAY_KEY}`" : "";
  return `const socket = new WebSocket(${JSON.stringify(url.href)}, ["realtime"${key}]);
const send = (event) => socket.send(JSON.stringify(event));
socket.onopen = () => send({ type: "session.update", session: ${indented(session, 2)} });
// Send sound with { type: "input_audio_buffer.append", audio }, s16le, 24 kHz, mono, base64.
socket.onmessage = ({ data }) => console.log(JSON.parse(data).type);
`;
}
