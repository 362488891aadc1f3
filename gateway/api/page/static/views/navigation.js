/** Which view is shown where not all fit, and whether it is light or dark. */

import { byId } from "../element.js";

/** @param {() => void} onShown called when another view is shown */
export function navigation(onShown) {
  const buttons = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("nav button"));
  for (const button of buttons) {
    button.onclick = () => {
      document.body.dataset.view = button.dataset.show;
      for (const each of buttons) {
        if (each === button) each.setAttribute("aria-current", "page");
        else each.removeAttribute("aria-current");
      }
      onShown();
    };
  }
}

/** As the system has it, until the button is pressed. */
export function themeButton() {
  const button = byId("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = (/** @type {boolean} */ dark) => {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    button.setAttribute("aria-pressed", String(dark));
  };
  button.onclick = () => show(document.documentElement.dataset.theme !== "dark");
  system.onchange = () => show(system.matches);
  show(system.matches);
}
