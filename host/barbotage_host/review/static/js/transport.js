// Owns the row under the picture: play, steps, seek bar, rate, loop, jumps, and where the playhead is.

import { byId, setAttribute, setText } from "./dom.js";
import { attachJumps } from "./jumps.js";
import { RATES } from "./playback.js";
import { describe } from "./texts.js";

const BIG_STEP = 10;

/** @param {import("./player.js").App} app */
export function attachTransport(app) {
  const { player, texts } = app;
  const jumps = attachJumps(app);
  const seek = byId("seek");
  seek.max = String(Math.max(0, player.count - 1));
  seek.disabled = player.count === 0;
  seek.addEventListener("input", () => player.seek(Number(seek.value)));
  /** @type {Record<string, () => void>} */
  const clicks = {
    play: () => player.toggle(),
    "step-back": () => player.step(-1),
    "step-forward": () => player.step(1),
    "event-back": () => jumps.toEvent(-1),
    "event-forward": () => jumps.toEvent(1),
    doubt: () => jumps.toDoubt(1),
    "loop-from": () => player.setLoop({ from: player.target, on: true }),
    "loop-to": () => player.setLoop({ to: player.target, on: true }),
    loop: () => player.setLoop({ on: !player.loop.on }),
  };
  for (const [id, run] of Object.entries(clicks)) byId(id).addEventListener("click", run);
  const rate = byId("rate");
  for (const one of RATES) rate.append(new Option("", String(one), one === 1, one === 1));
  rate.addEventListener("change", () => player.setRate(Number(rate.value)));
  const nameRates = () => RATES.forEach((one, place) => setText(rate.options[place], `${texts.number(one, one < 1 ? 2 : 0)}×`));
  texts.on("change", () => {
    nameRates();
    showPlace(app, seek);
  });
  nameRates();
  player.on("target", () => showPlace(app, seek));
  player.on("axis", () => showPlace(app, seek));
  player.on("state", () => showState(player, rate));
  showPlace(app, seek);
  showState(player, rate);
  addKeys(app);
}

/** @param {import("./player.js").App} app @param {any} seek */
function showPlace({ player, texts, session }, seek) {
  const t_s = player.timeOf(player.target);
  const last = Math.max(0, player.count - 1);
  seek.value = String(player.target);
  setAttribute(seek, "aria-valuetext", texts.t("seek-value", { frame: texts.number(player.target + 1, 0), time: texts.position(t_s) }));
  setText(byId("time"), `${texts.position(t_s)} / ${texts.position(player.timeOf(last))}`);
  setText(byId("frame-number"), `${texts.number(player.target + 1, 0)} / ${texts.number(player.count, 0)}`);
  setText(byId("clock"), texts.clock(session.started_utc_ns / 1e6 + t_s * 1000));
}

/** @param {import("./playback.js").Player} player @param {any} rate */
function showState(player, rate) {
  const play = byId("play");
  play.classList.toggle("playing", player.playing);
  describe(play, { label: player.playing ? "pause" : "play", hint: player.playing ? "pause" : "play" });
  setAttribute(byId("loop"), "aria-pressed", String(player.loop.on));
  rate.value = String(player.rate);
}

/** @param {import("./player.js").App} app */
function addKeys(app) {
  const { player, keys } = app;
  const play = "group-play";
  const loop = "group-loop";
  const last = () => player.count - 1;
  const from = () => player.setLoop({ from: player.target, on: true });
  const to = () => player.setLoop({ to: player.target, on: true });
  keys.add({ key: " ", text: "play-pause", group: play, run: () => player.toggle() });
  keys.add({ key: "ArrowLeft", text: "step-back", group: play, run: () => player.step(-1) });
  keys.add({ key: "ArrowRight", text: "step-forward", group: play, run: () => player.step(1) });
  keys.add({ key: "Shift+ArrowLeft", text: "step-back-10", group: play, run: () => player.step(-BIG_STEP) });
  keys.add({ key: "Shift+ArrowRight", text: "step-forward-10", group: play, run: () => player.step(BIG_STEP) });
  keys.add({ key: "Home", text: "to-start", group: play, run: () => player.seek(player.loop.on ? player.loop.from : 0) });
  keys.add({ key: "End", text: "to-end", group: play, run: () => player.seek(player.loop.on ? player.loop.to : last()) });
  keys.add({ key: "<", text: "slower", group: play, run: () => player.changeRate(-1) });
  keys.add({ key: ">", text: "faster", group: play, run: () => player.changeRate(1) });
  keys.add({ key: "[", text: "loop-from", group: loop, run: from });
  keys.add({ key: "i", text: "loop-from", group: loop, run: from, hidden: true });
  keys.add({ key: "]", text: "loop-to", group: loop, run: to });
  keys.add({ key: "u", text: "loop-to", group: loop, run: to, hidden: true });
  keys.add({ key: "l", text: "loop-toggle", group: loop, run: () => player.setLoop({ on: !player.loop.on }) });
  keys.add({ key: "?", text: "help-title", group: "group-page", run: () => keys.open() });
}
