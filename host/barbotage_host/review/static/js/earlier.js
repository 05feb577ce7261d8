// Owns the way from a session to the one whose procedure it goes on with.

import { el } from "./dom.js";

/** A link where the archive holds the earlier session, else words that it does not; null for a session that begins anew. @param {import("./player.js").App} app */
export function earlierLink(app) {
  const { texts } = app;
  const earlier = app.session.procedure.continued;
  if (!earlier) return null;
  const held = earlier.identity !== null;
  const place = held
    ? el("a", { href: `/session/${encodeURIComponent(earlier.identity)}`, title: earlier.session })
    : el("span", { class: "soft" });
  const say = () => {
    place.textContent = held
      ? texts.t("continued-from", { when: texts.date(earlier.started_utc_ns) })
      : texts.t("continued-missing", { session: earlier.session });
  };
  texts.on("change", say);
  say();
  const changed = earlier.unchanged === false ? el("span", { class: "chip bad", t: "continued-altered" }) : null;
  return el("p", { class: "earlier" }, place, changed);
}
