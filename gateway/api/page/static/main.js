/** Puts the page together: the parts, what they tell each other, and the buttons around them. */

import { Microphone, obstacle } from "./audio/microphone.js";
import { Player } from "./audio/player.js";
import { byId } from "./element.js";
import { Gateway } from "./gateway.js";
import { Talk } from "./talk.js";
import { WebRtcLink } from "./transports/webrtc_link.js";
import { WebSocketLink } from "./transports/websocket_link.js";
import { ConversationView } from "./views/conversation.js";
import { keyDialog } from "./views/key_dialog.js";
import { LevelMeter } from "./views/level.js";
import { ServerView } from "./views/server.js";
import { SettingsForm } from "./views/settings_form.js";
import { talkButton } from "./views/talk_button.js";
import { navigation, themeButton } from "./views/navigation.js";
import { TimingView } from "./views/timing.js";

const STATES = {
  idle: "Ready",
  listening: "Listening",
  waiting: "Waiting for the answer",
  speaking: "Speaking",
  "hands-free": "Hands-free: speak whenever you like",
};

const gateway = new Gateway((message) => askForKey(message));
const level = new LevelMeter();
const player = new Player((loudness) => level.push(loudness));
const microphone = new Microphone((loudness) => level.push(loudness));
const settings = new SettingsForm(gateway);
const talk = new Talk(gateway, player, microphone, settings, {
  turn: (turn) => {
    problem("");
    conversation.add(turn);
    timing.add(turn);
  },
  state: showState,
  problem,
});
const conversation = new ConversationView(gateway, talk, say);
const timing = new TimingView(talk.turns);
const server = new ServerView(gateway, (models) => {
  settings.offer(models);
  attempt(settings.loadVoices());
});
const askForKey = keyDialog((key) => {
  gateway.useKey(key);
  server.refresh();
});

/** @param {string} message "" takes it away */
function problem(message) {
  byId("problem").textContent = message;
  byId("problem").hidden = !message;
}

/** Say it to those who hear the page. @param {string} message */
function say(message) {
  byId("announcer").textContent = message;
}

/** Show what goes wrong. @param {Promise<any>} work */
function attempt(work) {
  work.catch((error) => problem(error.message));
}

function showState() {
  document.body.dataset.state = talk.state;
  byId("state").textContent = STATES[talk.state];
  byId("talk-label").textContent = talk.state === "listening" ? "End and ask" : "Talk";
  byId("talk-button").disabled = talk.state === "hands-free";
  byId("stop").disabled = talk.state === "idle";
  byId("hands-free").setAttribute("aria-pressed", String(talk.state === "hands-free"));
}

/** @param {File | undefined} file */
function askFile(file) {
  if (file) attempt(talk.askSound(file, file.name));
}

async function askSample() {
  await player.open(); // within the click: later the browser allows no sound
  const recording = await gateway.fetch("page/question.ogg");
  await talk.askSound(new File([await recording.blob()], "question.ogg", { type: "audio/ogg" }), "sample recording");
}

function toggleHandsFree() {
  if (talk.state === "hands-free") return talk.handsOn();
  const Link = byId("link").value === "webrtc" ? WebRtcLink : WebSocketLink;
  return talk.handsFree(new Link(gateway, microphone));
}

byId("sample").onclick = () => attempt(askSample());
byId("file").onchange = () => {
  askFile(byId("file").files[0]);
  byId("file").value = "";
};
byId("voice-preview").onclick = () => attempt(talk.say(settings.speech()));
byId("hands-free").onclick = toggleHandsFree;
byId("stop").onclick = () => talk.interrupt();
byId("forget").onclick = () => {
  talk.forget();
  conversation.clear();
  timing.clear();
};
byId("key-button").onclick = () => askForKey("");
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  askFile(event.dataTransfer?.files[0]);
});

const missing = obstacle();
byId("no-microphone").textContent = missing ?? "";
byId("no-microphone").hidden = !missing;
byId("talk-button").disabled = byId("hands-free").disabled = Boolean(missing);
talkButton(talk);
themeButton();
navigation(() => server.refresh());
server.refresh();
