// Owns where "next" and "previous" lead: events, and the places where the device was unsure.

import { isMain } from "./folding.js";

/** The first place after (direction 1) or the last before (-1) a frame; null when there is none. @param {number[]} sorted @param {number} frame @param {number} direction */
export function neighbour(sorted, frame, direction) {
  if (direction > 0) return sorted.find((one) => one > frame) ?? null;
  return sorted.filter((one) => one < frame).at(-1) ?? null;
}

/** Frames of events worth a stop: not those of held-back prompts, proposals and refusals. @param {{kind: string, frame: number, value: any}[]} events */
export function eventFrames(events) {
  const frames = events.filter(isMain).map((one) => one.frame);
  return [...new Set(frames)].sort((a, b) => a - b);
}

/** Adds the keys and buttons of the jumps. @param {import("./player.js").App} app */
export function attachJumps(app) {
  const { player, keys, session } = app;
  const events = eventFrames(session.events);
  /** @type {number[] | null} */
  let doubtful = null;
  const jump = (/** @type {number[]} */ places, /** @type {number} */ direction, /** @type {string} */ nothing) => {
    const frame = neighbour(places, player.target, direction);
    if (frame === null) return app.say(app.t(nothing));
    player.pause();
    player.seek(frame);
  };
  const toEvent = (/** @type {number} */ direction) => jump(events, direction, direction > 0 ? "no-next-event" : "no-previous-event");
  const toDoubt = async (/** @type {number} */ direction) => {
    doubtful ??= await app.api.json(`${app.path}/low-confidence`);
    jump(/** @type {number[]} */ (doubtful), direction, direction > 0 ? "no-next-doubt" : "no-previous-doubt");
  };
  const group = "group-jump";
  keys.add({ key: "n", text: "next-event", group, run: () => toEvent(1) });
  keys.add({ key: "p", text: "previous-event", group, run: () => toEvent(-1) });
  keys.add({ key: "c", text: "next-doubt", group, run: () => toDoubt(1) });
  keys.add({ key: "Shift+c", text: "previous-doubt", group, run: () => toDoubt(-1) });
  return { toEvent, toDoubt };
}
