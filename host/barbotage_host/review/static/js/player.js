// Owns the player page: it makes `app`, the object that the tools build on, and puts the parts together.
//
// The first frame comes first: curves and tools are loaded once it is on the screen.

import { makeApi } from "./api.js";
import { expose } from "./counters.js";
import { byId, el, setText } from "./dom.js";
import { Emitter } from "./emitter.js";
import { attachEvents } from "./events.js";
import { FrameStore } from "./frames.js";
import { attachHeader } from "./header.js";
import { attachInfo } from "./info.js";
import { Keys } from "./keys.js";
import { OverlayStore } from "./overlays.js";
import { Panels } from "./panels.js";
import { Player } from "./playback.js";
import { attachMarks } from "./picture.js";
import { attachProcedure } from "./procedure.js";
import { attachReadout } from "./readout.js";
import { makeSay } from "./say.js";
import { attachScaleBar } from "./scale.js";
import { Texts } from "./texts.js";
import { wirePreferences } from "./theme.js";
import { attachTimeline } from "./timeline.js";
import { attachTransport } from "./transport.js";
import { View } from "./view.js";

/**
 * @typedef {object} App  what every part and tool gets in its `attach(app)`
 * @property {any} session  the session's JSON; `app.path` is its place in the API: /api/sessions/{id}
 * @property {string} path
 * @property {Texts} texts  words, numbers, dates; texts.on("change") tells of another language
 * @property {(key: string, values?: Record<string, any>) => string} t
 * @property {(value: number | null | undefined, decimals?: number) => string} number
 * @property {import("./api.js").Api} api
 * @property {Player} player  frame, target, playing, rate, loop, seek, step, play, pause; on("frame" | "target" | "state" | "loop" | "unreadable")
 * @property {View} view  toScreen, toImage, px, zoom, addLayer, removeLayer, redraw, capturePointer; on("drawn" | "zoom")
 * @property {FrameStore} frames
 * @property {OverlayStore} overlays  now, peek, get, setSource; on("arrived" | "source")
 * @property {(frame: number) => Promise<import("./overlays.js").Overlay>} overlay
 * @property {(frame: number) => [number, number] | null} scaleAt  mm per pixel (x, z), or null: then no length in mm may be shown
 * @property {Keys} keys
 * @property {(id: string, titleKey: string) => HTMLElement} panel  a tab in the sidebar; it gets the event "shown"
 * @property {Panels} panels
 * @property {(words: string, kind?: string) => void} say
 * @property {(name: string, frames: number[]) => void} setMarks  marks of a tool on the timeline
 * @property {Emitter} events  page-wide: "theme"
 * @property {any} review  the reviewer's document store (tools)
 * @property {string} reviewer
 */

const MIME = { jpeg: "image/jpeg", png: "image/png" };

/** The session's id, from the page's address. */
function sessionId() {
  return decodeURIComponent(location.pathname.split("/").pop() ?? "");
}

/** The frame to begin with, from the address (#frame=120), else 0. */
function firstFrame() {
  const asked = Number(new URLSearchParams(location.hash.slice(1)).get("frame"));
  return Number.isInteger(asked) && asked > 0 ? asked : 0;
}

/** @param {any} session @param {number} frame */
function geometryAt(session, frame) {
  let found = session.geometry[0] ?? null;
  for (const one of session.geometry) if (one.from_frame <= frame) found = one;
  return found;
}

/** @returns {Promise<App>} */
async function makeApp() {
  const say = makeSay();
  const loading = Texts.load();
  /** @type {Texts | null} */
  let words = null;
  const api = makeApi(say, () => words?.t("server-gone") ?? "the server does not answer");
  const path = `/api/sessions/${encodeURIComponent(sessionId())}`;
  // The browser keeps the answer: the picture is there as soon as it is known how many there are.
  fetch(`${path}/frames/${firstFrame()}`, { credentials: "same-origin" }).catch(() => {});
  const [texts, session] = await Promise.all([loading, api.json(path)]);
  words = texts;
  /** @type {any} */
  const app = { session, path, texts, api, say, events: new Emitter(), review: null, reviewer: "" };
  app.t = texts.t.bind(texts);
  app.number = texts.number.bind(texts);
  app.scaleAt = (/** @type {number} */ frame) => geometryAt(session, frame)?.scale_mm_per_px ?? null;
  const shown = () => app.view?.frame ?? -1;
  app.overlays = new OverlayStore(api, path, session.frame_count, shown);
  app.overlay = (/** @type {number} */ frame) => app.overlays.get(frame);
  app.view = new View(byId("stage"), byId("image"), byId("marks"), (frame) => app.overlays.peek(frame));
  const mime = MIME[/** @type {keyof typeof MIME} */ (session.image_format)] ?? "image/jpeg";
  app.frames = new FrameStore(api, path, mime, session.frame_count, shown);
  app.player = new Player(app, {
    count: session.frame_count,
    rate_hz: session.rate_hz,
    stretchAt: (frame) => stretchOf(app.scaleAt(frame)),
  });
  app.keys = new Keys(texts);
  app.panels = new Panels(byId("tabs"), byId("panels"));
  app.panel = app.panels.add.bind(app.panels);
  return app;
}

/** How much taller than wide a pixel is. @param {[number, number] | null} scale */
function stretchOf(scale) {
  return scale ? scale[1] / scale[0] : 1;
}

/** Resolves when the first frame is on the screen (or known to be unreadable). @param {App} app */
function firstSeen(app) {
  return new Promise((resolve) => {
    const off = app.player.on("frame", () => {
      off();
      resolve(undefined);
    });
    app.player.seek(firstFrame());
  });
}

/** @param {App} app */
async function readAxis(app) {
  app.player.times_s = await app.api.doubles(`${app.path}/axis/frames`);
  app.player.emit("axis");
}

/** What the page needs only after its first frame. @param {App} app */
async function attachRest(app) {
  await readAxis(app);
  const [{ attachPlots }, { tools }] = await Promise.all([import("./plots.js"), import("../tools/index.js")]);
  const plots = attachPlots(app);
  for (const attach of tools) await attach(app);
  attachInfo(app);
  await plots;
}

async function main() {
  const app = await makeApp();
  wirePreferences(app.texts, () => app.events.emit("theme"));
  for (const attach of [attachHeader, attachMarks, attachReadout, attachScaleBar, attachTimeline, attachTransport, attachEvents, attachProcedure]) {
    attach(app);
  }
  expose(app);
  app.player.on("unreadable", ({ frame }) => app.say(app.t("frame-unreadable", { frame: app.number(frame + 1, 0) }), "error"));
  if (app.session.frame_count === 0) {
    byId("stage-wrap").append(el("p", { class: "empty", t: "no-frames" }));
  } else {
    await firstSeen(app);
  }
  document.body.dataset.ready = "frame";
  await attachRest(app);
  document.body.dataset.ready = "all";
}

main().catch((error) => {
  console.error(error);
  const place = document.getElementById("fatal");
  if (place) {
    setText(place, String(error.message ?? error));
    place.hidden = false;
  }
});
