/** Asks for the key of the gateway. */

import { byId } from "../element.js";

/** @param {(key: string) => void} onKey @returns {(message: string) => void} opens the dialog and says why */
export function keyDialog(onKey) {
  const dialog = byId("key-dialog");
  const field = byId("key");
  byId("key-cancel").onclick = () => dialog.close();
  dialog.querySelector("form").onsubmit = () => {
    onKey(field.value.trim());
    field.value = "";
  };
  return (message) => {
    byId("key-message").textContent = message;
    if (!dialog.open) dialog.showModal();
  };
}
