/** What is known of one turn: what was asked, what was answered, what of it was heard, and when. */

/**
 * @typedef {{ callId: string, name: string, arguments: string, invalid?: string, answered?: boolean }} Call
 * @typedef {{ name: string, label: string, from: number, to: number }} Stage of a turn, in milliseconds from `asked`
 * @typedef {"asked" | "heard" | "written" | "arrived" | "sounded" | "complete" | "ended"} Mark
 * @typedef {{ fields: Record<string, any>, sound: Blob | null, results?: any[] }} Asked what was sent
 */

const CHARACTERS_A_SECOND = 15;

let turns = 0;

export class Turn {
  number = ++turns;
  question = "";
  answer = "";
  /** @type {"listening" | "waiting" | "speaking" | "done" | "interrupted" | "failed"} */
  state = "waiting";
  error = "";
  /** @type {Call[]} */
  calls = [];
  /** Characters of the answer that were heard. */
  spoken = 0;
  /** Seconds of its sound that were heard. */
  played = 0;
  /** @type {{ from: number, to: number }[]} silence in the middle, in milliseconds from `asked` */
  gaps = [];
  /** @type {Partial<Record<Mark, number>>} */
  marks = {};
  /** @type {Record<string, number | null> | null} what the gateway measured itself */
  timings = null;
  /** @type {Asked | null} */
  asked = null;
  /** @type {string | null} the id of the conversation that it belongs to */
  conversation = null;
  /** @type {Set<() => void>} */
  #watchers = new Set();
  /** @type {import("./audio/player.js").Playback | null} */
  #playback = null;
  /** @type {{ from: number, text: string }[]} which text is spoken from which second on */
  #captions = [];

  /** @param {"speech-to-speech" | "realtime"} route @param {string} source where the question comes from */
  constructor(route, source) {
    this.route = route;
    this.source = source;
  }

  /** @param {() => void} watcher called after every change */
  watch(watcher) {
    this.#watchers.add(watcher);
  }

  changed() {
    for (const watcher of this.#watchers) watcher();
  }

  /** Note that this happened now, or at `time`, if it did not before. @param {Mark} name @param {number} [time] */
  mark(name, time = performance.now()) {
    this.marks[name] ??= time;
  }

  /** Milliseconds from the end of the question. @param {Mark} name @returns {number | null} */
  after(name) {
    const { asked, [name]: time } = this.marks;
    return asked === undefined || time === undefined ? null : time - asked;
  }

  get over() {
    return this.state === "done" || this.state === "interrupted" || this.state === "failed";
  }

  /** @param {"done" | "interrupted" | "failed"} state @param {string} [error] */
  end(state, error = "") {
    if (this.over) return;
    this.state = state;
    this.error = error;
    this.mark("ended");
    this.changed();
  }

  /** Have `playback` be the sound of this turn. @param {import("./audio/player.js").Playback} playback */
  soundsAs(playback) {
    this.#playback = playback;
    playback.onStarted = (latency) => {
      this.mark("sounded", performance.now() + latency);
      this.state = "speaking";
      this.changed();
    };
    playback.onGap = (milliseconds) => {
      const now = this.#now();
      this.gaps.push({ from: now - milliseconds, to: now });
    };
    playback.onProgress = () => {
      this.#follow(playback);
      if (playback.over) this.end("done");
      this.changed();
    };
  }

  #now() {
    return performance.now() - (this.marks.asked ?? 0);
  }

  /** The sound that arrives from now on is that of `text`. @param {string} text */
  caption(text) {
    this.#captions.push({ from: this.#playback?.arrived ?? 0, text });
  }

  /** Its sound is played by the browser itself: what was heard by now is estimated from the time since it began. */
  heardUntilNow() {
    this.played = (performance.now() - (this.marks.sounded ?? performance.now())) / 1000;
    this.spoken = wordEnd(this.answer, Math.min(this.answer.length, Math.round(this.played * CHARACTERS_A_SECOND)));
  }

  /** How far the voice is in the text. @param {import("./audio/player.js").Playback} playback */
  #follow(playback) {
    this.played = playback.played;
    const captions = this.#captions.length ? this.#captions : [{ from: 0, text: this.answer }];
    let characters = 0;
    for (const [index, { from, text }] of captions.entries()) {
      // While sound is still coming, its length is estimated from that of the text.
      const known = captions[index + 1]?.from ?? (this.marks.complete ? playback.arrived : null);
      const to = known ?? Math.max(playback.arrived, from + text.length / CHARACTERS_A_SECOND);
      const share = Math.max(0, Math.min(1, (playback.played - from) / Math.max(0.001, to - from)));
      characters += share * text.length;
    }
    this.spoken = wordEnd(this.answer, Math.max(this.spoken, Math.round(characters)));
  }

  /** The parts of the way to the first sound, one after the other. @returns {Stage[]} */
  stages() {
    const heard = this.after("heard");
    const arrived = this.after("arrived");
    const sounded = this.after("sounded");
    /** @type {[string, string, number | null | undefined][]} */
    const steps = this.timings
      ? [
          ["sent", "sent", arrived === null ? null : Math.max(0, arrived - (this.timings.first_audio_ms ?? arrived))],
          ["heard", "heard", this.timings.stt_ms],
          ["token", "first token", this.timings.llm_first_ms],
          ["clause", "first clause", this.timings.first_clause_ms],
          ["audio", "first audio", this.timings.tts_first_ms],
        ]
      : [
          ["heard", "heard", heard],
          ["token", "first token", between(heard, this.after("written"))],
          ["audio", "first audio", between(this.after("written") ?? heard, arrived)],
        ];
    steps.push(["sound", "first sound", between(arrived, sounded)]);
    let at = 0;
    return steps
      .filter(([, , length]) => typeof length === "number")
      .map(([name, label, length]) => ({ name, label, from: at, to: (at += /** @type {number} */ (length)) }));
  }

  /** @param {string} name of a stage @returns {number | null} how long it took, in milliseconds */
  length(name) {
    const stage = this.stages().find((each) => each.name === name);
    return stage ? stage.to - stage.from : null;
  }
}

/** @param {number | null} from @param {number | null} to */
function between(from, to) {
  return to === null ? null : Math.max(0, to - (from ?? 0));
}

/** The end of the word at `index`. @param {string} text @param {number} index */
function wordEnd(text, index) {
  if (index <= 0) return 0;
  const rest = text.slice(index).search(/\s/);
  return rest < 0 ? text.length : index + rest;
}
