/** The button: hold it to talk, or tap it to begin and to end; the space bar does the same anywhere on the page. */

import { byId } from "../element.js";

const TAP_MS = 350;

/** @param {import("../talk.js").Talk} talk */
export function talkButton(talk) {
  const button = byId("talk-button");
  let pressedAt = 0;
  let handled = false; // a click that follows a press is not another one

  const press = () => {
    pressedAt = performance.now();
    handled = true;
    if (talk.state === "listening") talk.ask();
    else talk.listen();
  };
  const release = () => {
    if (!pressedAt) return;
    const held = performance.now() - pressedAt;
    pressedAt = 0;
    if (held > TAP_MS && talk.state === "listening") talk.ask();
  };

  button.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button || talk.state === "hands-free") return;
    button.setPointerCapture(event.pointerId);
    press();
  });
  button.addEventListener("pointerup", release);
  button.addEventListener("pointercancel", release);
  button.addEventListener("contextmenu", (/** @type {Event} */ event) => event.preventDefault());
  button.addEventListener("click", () => {
    // From a screen reader there is no press: the click is a tap.
    if (!handled && talk.state !== "hands-free") press();
    handled = false;
    pressedAt = 0;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") talk.interrupt();
    if (!isTalkKey(event, button)) return;
    event.preventDefault();
    if (!event.repeat && talk.state !== "hands-free") press();
  });
  document.addEventListener("keyup", (event) => {
    if (!isTalkKey(event, button)) return;
    event.preventDefault();
    release();
    handled = false;
  });
}

/** @param {KeyboardEvent} event @param {HTMLElement} button */
function isTalkKey(event, button) {
  if (event.target === button) return event.key === " " || event.key === "Enter";
  const focused = /** @type {HTMLElement} */ (event.target);
  return event.key === " " && !focused.closest("button, a, input, textarea, select, summary, dialog, pre");
}
