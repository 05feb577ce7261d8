// Owns the geometry of points on a frame: lengths and extents in mm, thinning, the nearest edge. The formulas are those of measures.py.

/** @typedef {[number, number]} Point  x, y in pixels of the frame */
/** @typedef {[number, number]} Scale  mm per pixel along x and y */
/** @typedef {{value: number, uncertainty: number}} Figure */

/** Of each end of a caliper: nobody points better than to half a pixel. */
const END_UNCERTAINTY_PX = 0.5;

/** @param {Point} point @param {Scale} scale @returns {Point} */
const inMm = ([x, y], scale) => [x * scale[0], y * scale[1]];

/** Half a pixel at both ends along a direction, in quadrature. @param {number} dx_mm @param {number} dz_mm @param {Scale} scale */
function endsUncertainty(dx_mm, dz_mm, scale) {
  const length_mm = Math.hypot(dx_mm, dz_mm);
  const pixel_mm = length_mm ? Math.hypot(scale[0] * dx_mm, scale[1] * dz_mm) / length_mm : Math.max(...scale);
  return Math.SQRT2 * END_UNCERTAINTY_PX * pixel_mm;
}

/** The length of a caliper in mm. @param {Point[]} points two @param {Scale} scale @returns {Figure} */
export function caliperMm([start, end], scale) {
  const dx_mm = (end[0] - start[0]) * scale[0];
  const dz_mm = (end[1] - start[1]) * scale[1];
  return { value: Math.hypot(dx_mm, dz_mm), uncertainty: endsUncertainty(dx_mm, dz_mm, scale) };
}

/**
 * Longest chord (Feret), widest extent across it, and area of a closed outline, in mm; `chord` are the ends of the longest chord.
 * @param {Point[]} points at least three @param {Scale} scale
 * @returns {{longest_mm: Figure, perpendicular_mm: Figure, area_mm2: Figure, chord: [Point, Point]}}
 */
export function outlineMm(points, scale) {
  const mm = points.map((point) => inMm(point, scale));
  const [first, second] = longestChord(mm);
  const dx = mm[second][0] - mm[first][0];
  const dz = mm[second][1] - mm[first][1];
  const longest = Math.hypot(dx, dz);
  const across = mm.map(([x, z]) => (longest ? (dx * z - dz * x) / longest : 0));
  let doubled = 0;
  let border = 0;
  mm.forEach(([x, z], place) => {
    const [nextX, nextZ] = mm[(place + 1) % mm.length];
    doubled += x * nextZ - nextX * z;
    border += Math.hypot((nextZ - z) * scale[0], (nextX - x) * scale[1]) * END_UNCERTAINTY_PX;
  });
  return {
    longest_mm: { value: longest, uncertainty: endsUncertainty(dx, dz, scale) },
    perpendicular_mm: { value: Math.max(...across) - Math.min(...across), uncertainty: endsUncertainty(-dz, dx, scale) },
    area_mm2: { value: Math.abs(doubled) / 2, uncertainty: border },
    chord: [points[first], points[second]],
  };
}

/** @param {Point[]} points @returns {[number, number]} the places of the two farthest points */
function longestChord(points) {
  let best = -1;
  /** @type {[number, number]} */
  let ends = [0, 0];
  for (let one = 0; one < points.length; one += 1) {
    for (let other = one + 1; other < points.length; other += 1) {
      const length = Math.hypot(points[one][0] - points[other][0], points[one][1] - points[other][1]);
      if (length > best) [best, ends] = [length, [one, other]];
    }
  }
  return ends;
}

/** How far a point lies from a piece of a line. @param {Point} point @param {Point} start @param {Point} end */
function distanceToPiece([x, y], [x0, y0], [x1, y1]) {
  const dx = x1 - x0;
  const dy = y1 - y0;
  const square = dx * dx + dy * dy;
  const share = square ? Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / square)) : 0;
  return Math.hypot(x - x0 - share * dx, y - y0 - share * dy);
}

/** A line with fewer points that strays less than `tolerance` (Douglas and Peucker 1973). @param {Point[]} points @param {number} tolerance @returns {Point[]} */
export function thinned(points, tolerance) {
  if (points.length < 3) return points;
  const first = points[0];
  const last = points[points.length - 1];
  let farthest = 0;
  let place = 0;
  for (let one = 1; one < points.length - 1; one += 1) {
    const distance = distanceToPiece(points[one], first, last);
    if (distance > farthest) [farthest, place] = [distance, one];
  }
  if (farthest <= tolerance) return [first, last];
  return [...thinned(points.slice(0, place + 1), tolerance).slice(0, -1), ...thinned(points.slice(place), tolerance)];
}

/** A closed outline with at most `most` points: thinned as much as it needs. @param {Point[]} points @param {number} tolerance @param {number} most @returns {Point[]} */
export function thinnedOutline(points, tolerance, most) {
  if (points.length <= 3) return points;
  const half = Math.floor(points.length / 2);
  const thin = (/** @type {number} */ step) => [
    ...thinned(points.slice(0, half + 1), step).slice(0, -1),
    ...thinned([...points.slice(half), points[0]], step).slice(0, -1),
  ];
  let step = tolerance;
  let found = thin(step);
  while (found.length > most) {
    step *= 1.5;
    found = thin(step);
  }
  return found.length >= 3 ? found : points.slice(0, 3);
}

/** The place before which a new point of a closed outline belongs. @param {Point[]} points @param {Point} point */
export function nearestEdge(points, point) {
  let best = Infinity;
  let place = points.length;
  points.forEach((start, one) => {
    const distance = distanceToPiece(point, start, points[(one + 1) % points.length]);
    if (distance < best) [best, place] = [distance, one + 1];
  });
  return place;
}

/** The middle of points. @param {Point[]} points @returns {Point} */
export function middle(points) {
  const sum = points.reduce(([x, y], [px, py]) => [x + px, y + py], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
}
