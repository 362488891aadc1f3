// Drives the realtime route of a gateway with openai-node and with the Agents SDK for JavaScript.
//
//     node realtime_node.mjs openai|agents https://127.0.0.1:8765/v1 question.wav
//
// openai-node connects by TLS only. Prints one JSON object as openai_python.py does; question.wav is PCM s16le mono of
// 24 kHz.

import { readFileSync } from 'node:fs';
import process from 'node:process';

const RATE = 24_000;
const FRAME = (RATE / 50) * 2;
const SECOND_ANSWER = 'Hello there. How are you?';
const [library, baseURL, questionPath] = process.argv.slice(2);

const observed = { cities: [], sound: 0, interruptions: 0, transcript: '', errors: [], heard: [] };

function checks() {
  const seen = {
    'calls its tool': [observed.cities.join() === 'Oslo', observed.cities],
    'is interrupted': [observed.interruptions > 0, observed.interruptions],
    'answers again': [observed.transcript.trim() === SECOND_ANSWER, observed.transcript],
    'plays sound': [observed.sound > RATE, observed.sound],
    'knows what was asked': [observed.heard.slice(0, 2).join() === 'what did you say,what did you say', observed.heard],
    'meets no error': [observed.errors.length === 0, observed.errors],
  };
  return Object.fromEntries(
    Object.entries(seen).map(([name, [good, found]]) => [name, good ? 'ok' : JSON.stringify(found)]),
  );
}

// Silence without end at the pace of real time, and a question.
class Microphone {
  #question = readFileSync(questionPath).subarray(44);
  #left = Buffer.alloc(0);
  #due = performance.now();

  ask() {
    this.#left = this.#question;
  }

  start(send) {
    const tick = () => {
      const frame = Buffer.alloc(FRAME);
      this.#left.copy(frame, 0, 0, FRAME);
      this.#left = this.#left.subarray(FRAME);
      send(frame);
      this.#due += 20;
      this.timer = setTimeout(tick, Math.max(0, this.#due - performance.now()));
    };
    tick();
  }

  stop() {
    clearTimeout(this.timer);
  }
}

const microphone = new Microphone();

function play(bytes) {
  const samples = bytes / 2;
  if (observed.sound <= RATE && RATE < observed.sound + samples) microphone.ask();
  observed.sound += samples;
}

async function untilDone(isDone) {
  const end = performance.now() + 60_000;
  while (!isDone()) {
    if (performance.now() > end) {
      observed.errors.push('not done after 60 seconds');
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const allGood = () => Object.values(checks()).every((found) => found === 'ok');

async function openai() {
  const { default: OpenAI } = await import('openai');
  const { OpenAIRealtimeWS } = await import('openai/realtime/ws');
  const { VERSION } = await import('openai/version');
  const rt = new OpenAIRealtimeWS({ model: 'gpt-realtime' }, new OpenAI({ baseURL, apiKey: 'any' }));
  let item = null;
  let soundOfItem = 0;
  rt.on('session.created', () =>
    rt.send({
      type: 'session.update',
      session: {
        type: 'realtime',
        tools: [
          {
            type: 'function',
            name: 'get_weather',
            description: 'The weather in a city.',
            parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
          },
        ],
        audio: {
          input: {
            transcription: { model: 'whisper-1' },
            turn_detection: { type: 'server_vad', silence_duration_ms: 300 },
          },
        },
      },
    }),
  );
  rt.on('session.updated', () => {
    microphone.ask();
    microphone.start((frame) => rt.send({ type: 'input_audio_buffer.append', audio: frame.toString('base64') }));
  });
  rt.on('response.function_call_arguments.done', (event) => {
    observed.cities.push(JSON.parse(event.arguments).city);
    rt.send({
      type: 'conversation.item.create',
      item: { type: 'function_call_output', call_id: event.call_id, output: 'Rain.' },
    });
  });
  rt.on('response.output_audio.delta', (event) => {
    const bytes = Buffer.from(event.delta, 'base64').length;
    if (event.item_id !== item) [item, soundOfItem] = [event.item_id, 0];
    soundOfItem += bytes / 2;
    play(bytes);
  });
  rt.on('input_audio_buffer.speech_started', () => {
    if (item !== null && observed.interruptions === 0)
      rt.send({
        type: 'conversation.item.truncate',
        item_id: item,
        content_index: 0,
        audio_end_ms: Math.floor((soundOfItem * 1000) / RATE),
      });
  });
  rt.on('conversation.item.input_audio_transcription.completed', (event) => observed.heard.push(event.transcript));
  rt.on('response.output_audio_transcript.done', (event) => (observed.transcript = event.transcript));
  rt.on('response.done', ({ response }) => {
    if (response.status === 'cancelled') observed.interruptions += response.status_details.reason === 'turn_detected';
    else if (response.output.at(-1)?.type === 'function_call') rt.send({ type: 'response.create' });
  });
  rt.on('error', (error) => observed.errors.push(String(error)));
  await untilDone(allGood);
  microphone.stop();
  rt.close();
  return VERSION;
}

async function agents() {
  const { RealtimeAgent, RealtimeSession, tool } = await import('@openai/agents/realtime');
  const { z } = await import('zod');
  const getWeather = tool({
    name: 'get_weather',
    description: 'The weather in a city.',
    parameters: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      observed.cities.push(city);
      return 'Rain.';
    },
  });
  const agent = new RealtimeAgent({ name: 'Assistant', instructions: 'Be brief.', tools: [getWeather] });
  const session = new RealtimeSession(agent, { transport: 'websocket', model: 'gpt-realtime', tracingDisabled: true });
  session.on('audio', (event) => play(event.data.byteLength));
  session.on('audio_interrupted', () => (observed.interruptions += 1));
  session.on('error', (event) => observed.errors.push(JSON.stringify(event.error)));
  session.on('history_updated', (history) => {
    const said = (role) =>
      history
        .filter((entry) => entry.type === 'message' && entry.role === role)
        .flatMap((entry) => entry.content.map((part) => part.transcript))
        .filter(Boolean);
    observed.heard = said('user');
    observed.transcript = said('assistant').at(-1) ?? '';
  });
  await session.connect({ apiKey: 'any', url: baseURL.replace(/^http/, 'ws') + '/realtime?model=gpt-realtime' });
  microphone.ask();
  microphone.start((frame) => session.sendAudio(frame.buffer.slice(frame.byteOffset, frame.byteOffset + FRAME)));
  await untilDone(allGood);
  microphone.stop();
  session.close();
  return JSON.parse(readFileSync(new URL('node_modules/@openai/agents/package.json', import.meta.url))).version;
}

const version = await { openai, agents }[library]();
console.log(JSON.stringify({ version, checks: checks() }));
process.exit(0);
