// Owns the watching of long work on the server: a bar, what it came to, and how to stop it.

import { el, setText } from "../js/dom.js";

const ASK_EVERY_MS = 300;

/**
 * A button that starts work, its progress and its cancel button.
 * @param {import("../js/player.js").App} app
 * @param {{start: string, label: string, begin: () => Promise<{job: string}>, done: (result: any) => void}} work  `start` and `label` are text keys
 * @returns {HTMLElement}
 */
export function jobRow(app, { start, label, begin, done }) {
  const button = el("button", { type: "button", class: "primary", t: start });
  const bar = el("progress", { label, hidden: true });
  const share = el("span", { class: "soft" });
  const cancel = el("button", { type: "button", t: "cancel", hidden: true });
  /** @type {string | null} */
  let job = null;
  const show = (/** @type {boolean} */ running) => {
    button.disabled = running;
    bar.hidden = cancel.hidden = !running;
    if (!running) setText(share, "");
  };
  const watch = async () => {
    for (;;) {
      const now = await app.api.json(`/api/jobs/${job}`);
      if (now.state !== "running") return now;
      if (now.total) [bar.max, bar.value] = [now.total, now.done];
      else bar.removeAttribute("value");
      setText(share, now.total ? `${app.number((100 * now.done) / now.total, 0)}\u202f%` : "");
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
  };
  button.addEventListener("click", async () => {
    show(true);
    bar.removeAttribute("value");
    try {
      job = (await begin()).job;
      const end = await watch();
      if (end.state === "done") done(end.result);
      else if (end.state === "cancelled") app.say(app.t("job-cancelled"));
      else app.say(String(end.error), "error");
    } catch {
      // The refusal was said already.
    }
    job = null;
    const focused = document.activeElement === cancel || document.activeElement === document.body;
    show(false);
    if (focused) button.focus();
  });
  cancel.addEventListener("click", () => job && app.api.json(`/api/jobs/${job}`, { method: "DELETE" }).catch(() => {}));
  return el("div", { class: "row job" }, button, bar, share, cancel);
}
