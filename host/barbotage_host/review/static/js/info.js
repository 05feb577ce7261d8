// Owns the session's facts: device, software, model, source, what was lost.

import { el, setText } from "./dom.js";

/** @type {[string, (app: import("./player.js").App) => string][]} */
const FACTS = [
  ["fact-started", ({ texts, session }) => texts.date(session.started_utc_ns)],
  ["fact-duration", ({ texts, session }) => texts.duration(session.duration_s ?? session.summary?.duration_s)],
  ["fact-frames", ({ texts, session }) => `${texts.number(session.frame_count, 0)} (${texts.number(session.rate_hz, 1)}\u202f/s)`],
  ["fact-before", ({ texts, session }) => texts.size(session.summary?.deposit_before ?? null)],
  ["fact-after", ({ texts, session }) => texts.size(session.summary?.deposit_after ?? null)],
  ["fact-device", ({ session }) => [session.device?.model, session.device?.id].filter(Boolean).join(" · ") || "–"],
  ["fact-software", ({ session }) => `${session.software?.version ?? "–"} (${session.software?.sha256?.slice(0, 8) ?? "–"})`],
  ["fact-model", ({ session }) => [session.model?.name, session.model?.version].filter(Boolean).join(" ") || "–"],
  ["fact-source", ({ session }) => session.source ?? "–"],
  ["fact-images", ({ session }) => `${session.image_format}${session.image_quality ? ` ${session.image_quality}` : ""}`],
  ["fact-drops", ({ texts, session }) => dropWords(texts, session.drops)],
  ["fact-chain", ({ t, session }) => (session.chain.intact ? t("chain-intact") : String(session.chain.problem))],
  ["fact-damage", ({ t, session }) => [...(session.recovery?.lost ?? []), ...(session.damage ?? [])].join("; ") || t("fact-none")],
  ["fact-id", ({ session }) => session.id],
];

/** @param {import("./texts.js").Texts} texts @param {any} drops */
function dropWords(texts, drops) {
  if (!drops) return "–";
  return texts.t("fact-drops-value", {
    source: texts.number(drops.source, 0),
    frames: texts.number(drops.recorder_frames, 0),
    messages: texts.number(drops.recorder_messages, 0),
  });
}

/** @param {import("./player.js").App} app */
export function attachInfo(app) {
  const panel = app.panel("info", "info");
  const values = FACTS.map(() => el("dd"));
  panel.append(el("dl", { class: "facts" }, ...FACTS.map(([key], at) => el("div", {}, el("dt", { t: key }), values[at]))));
  const show = () => FACTS.forEach(([, value], at) => setText(values[at], value(app)));
  app.texts.on("change", show);
  show();
}
