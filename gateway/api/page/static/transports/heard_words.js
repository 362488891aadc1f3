/** Has the gateway remember of an answer what was heard: it had sent all of it when it was interrupted. */

/**
 * @param {import("../gateway.js").Gateway} gateway
 * @param {import("../turn.js").Turn} turn that was interrupted; its answer is the last item of its conversation
 */
export async function keepHeardWords(gateway, turn) {
  const path = `v1/conversations/${encodeURIComponent(turn.conversation ?? "")}/items`;
  const { data } = await gateway.json(`${path}?order=desc&limit=1`);
  if (data[0]?.role !== "assistant") return;
  await gateway.fetch(`${path}/${encodeURIComponent(data[0].id)}`, { method: "DELETE" });
  const text = turn.answer.slice(0, turn.spoken);
  if (!text) return;
  const item = { type: "message", role: "assistant", content: [{ type: "output_text", text }] };
  const headers = { "content-type": "application/json" };
  await gateway.fetch(path, { method: "POST", headers, body: JSON.stringify({ items: [item] }) });
}
