// Owns the page's head: which session this is, and whether its record is intact.

import { byId, el, icon, setText } from "./dom.js";
import { describe } from "./texts.js";

/** @param {import("./player.js").App} app */
export function attachHeader(app) {
  const { session, texts } = app;
  const show = () => {
    const date = texts.date(session.started_utc_ns);
    setText(byId("title"), session.side ? `${date} · ${texts.t(`shoulder-${session.side}`)}` : date);
    document.title = `${date} – Barbotage`;
  };
  texts.on("change", show);
  show();
  if (session.simulated) byId("badges").append(el("span", { class: "chip", t: "simulated" }));
  if (session.state === "recovered") byId("badges").append(el("span", { class: "chip warn", t: "state-recovered" }));
  if (session.procedure.continued) byId("badges").append(el("span", { class: "chip", t: "continued-badge" }));
  if (session.link === "unsecured") {
    byId("badges").append(el("span", { class: "chip warn", t: "link-unsecured", hint: "link-unsecured-hint" }));
  }
  showChain(session.chain);
}

/** @param {{intact: boolean, problem: string | null}} chain */
function showChain(chain) {
  const place = byId("chain");
  const words = el("span", { t: chain.intact ? "chain-intact" : "chain-broken" });
  place.classList.add(chain.intact ? "good" : "bad");
  place.replaceChildren(icon(chain.intact ? "check" : "warn"), words);
  if (chain.intact) describe(place, { hint: "chain-intact-hint" });
  else place.title = String(chain.problem);
}
