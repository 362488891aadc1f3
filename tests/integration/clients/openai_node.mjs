// Drives a gateway with the openai package for Node.js beside this file's copy, every route streamed and whole.
//
//     node openai_node.mjs http://127.0.0.1:8765/v1 question.wav
//
// Prints one JSON object: the version, and for every check "ok" or what went wrong.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import OpenAI, { toFile } from 'openai';
import { VERSION } from 'openai/version';

const ANSWER = 'Hello there. How are you?';
const HEARD = 'what did you say';
const [baseURL, question] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: 'any', maxRetries: 0 });
const spoken = fs.readFileSync(question).toString('base64');
const ask = [{ role: 'user', content: 'Hi.' }];
const listen = [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: spoken, format: 'wav' } }] }];
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const file = () => toFile(fs.createReadStream(question), 'question.wav');

async function all(stream) {
  const seen = [];
  for await (const event of stream) seen.push(event);
  return seen;
}

const checks = {
  async models() {
    const [first] = (await client.models.list()).data;
    assert.equal((await client.models.retrieve(first.id)).id, first.id);
    await assert.rejects(client.models.retrieve('org/none'), (e) => e.status === 404 && e.code === 'model_not_found');
  },
  async speech() {
    const asked = { model: 'tts-1', voice: 'alloy', input: 'One sentence. Another one.' };
    const mp3 = Buffer.from(await (await client.audio.speech.create(asked)).arrayBuffer());
    assert.ok(mp3[0] === 0xff || mp3.subarray(0, 3).toString() === 'ID3');
    const pcm = await client.audio.speech.create({ ...asked, response_format: 'pcm' });
    assert.ok((await all(pcm.body)).reduce((size, chunk) => size + chunk.length, 0) > 10000);
  },
  async transcriptions() {
    const asked = { model: 'whisper-1', file: await file() };
    assert.equal((await client.audio.transcriptions.create(asked)).text, HEARD);
    const verbose = await client.audio.transcriptions.create({
      ...asked, file: await file(), response_format: 'verbose_json', timestamp_granularities: ['word'],
    });
    assert.deepEqual(verbose.words.map((word) => word.word), HEARD.split(' '));
    const events = await all(
      await client.audio.transcriptions.create({ ...asked, file: await file(), model: 'gpt-4o-transcribe', stream: true }),
    );
    assert.equal(events.at(-1).text, HEARD);
  },
  async chat() {
    const answer = await client.chat.completions.create({ model: 'gpt-4o', messages: ask });
    assert.equal(answer.choices[0].message.content, ANSWER);
    const chunks = await all(await client.chat.completions.create({ model: 'gpt-4o', messages: ask, stream: true }));
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? '').join(''), ANSWER);
    const runner = client.chat.completions.stream({ model: 'gpt-4o', messages: ask });
    assert.equal(await runner.finalContent(), ANSWER);
  },
  async chatTools() {
    const tools = [{ type: 'function', function: { name: 'get_weather', parameters } }];
    const runner = client.chat.completions.stream({ model: 'gpt-4o', messages: ask, tools });
    const [call] = (await runner.finalMessage()).tool_calls;
    assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Oslo' });
  },
  async chatAudio() {
    const asked = { model: 'gpt-4o-audio-preview', messages: listen, modalities: ['text', 'audio'] };
    const whole = await client.chat.completions.create({ ...asked, audio: { voice: 'alloy', format: 'mp3' } });
    assert.equal(whole.choices[0].message.audio.transcript, ANSWER);
    const chunks = await all(
      await client.chat.completions.create({ ...asked, audio: { voice: 'alloy', format: 'pcm16' }, stream: true }),
    );
    const pieces = chunks.map((chunk) => chunk.choices[0]?.delta?.audio).filter(Boolean);
    assert.equal(pieces.map((piece) => piece.transcript ?? '').join(''), ANSWER);
    assert.ok(Buffer.from(pieces.map((piece) => piece.data ?? '').join(''), 'base64').length > 10000);
  },
  async responses() {
    const answer = await client.responses.create({ model: 'gpt-4o', input: 'Hi.' });
    assert.equal(answer.output_text, ANSWER);
    const stream = client.responses.stream({ model: 'gpt-4o', input: 'Go on.', previous_response_id: answer.id });
    assert.equal((await stream.finalResponse()).output_text, ANSWER);
    assert.equal((await client.responses.retrieve(answer.id)).id, answer.id);
    await client.responses.delete(answer.id);
    await assert.rejects(client.responses.retrieve(answer.id), (e) => e.status === 404);
  },
  async responsesTools() {
    const tools = [{ type: 'function', name: 'get_weather', parameters, strict: false }];
    const answer = await client.responses.create({ model: 'gpt-4o', input: 'Hi.', tools });
    const call = answer.output.find((item) => item.type === 'function_call');
    const input = [{ type: 'function_call_output', call_id: call.call_id, output: 'Rain.' }];
    const after = await client.responses.create({ model: 'gpt-4o', input, previous_response_id: answer.id });
    assert.equal(after.output_text, ANSWER);
  },
  async speechToSpeech() {
    const form = new FormData();
    form.append('file', await file());
    const answer = await client.post('/audio/speech-to-speech', { body: form, headers: { Accept: 'audio/*' } }).asResponse();
    assert.ok((await all(answer.body)).length > 0);
    assert.ok(answer.headers.get('x-transcript'));
  },
  async errors() {
    const refused = client.chat.completions.create({ model: 'm', messages: [] });
    await assert.rejects(refused, (e) => e.status === 400 && e.param === 'messages' && Boolean(e.requestID));
  },
  async leaving() {
    const stream = await client.chat.completions.create({ model: 'gpt-4o', messages: ask, stream: true });
    for await (const _ of stream) break;
  },
};

const found = {};
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    found[name] = 'ok';
  } catch (error) {
    found[name] = String(error.stack ?? error).slice(0, 2000);
  }
}
console.log(JSON.stringify({ version: VERSION, checks: found }));
