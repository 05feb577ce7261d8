// Owns the colours of the style sheet as a canvas can use them.

const probe = document.createElement("span");
probe.hidden = true;
/** @type {Map<string, string>} */
const known = new Map();

/** The colour that a CSS variable has in the present theme, such as "rgb(1, 2, 3)". @param {string} variable */
export function cssColour(variable) {
  let colour = known.get(variable);
  if (!colour) {
    if (!probe.isConnected) document.body.append(probe);
    probe.style.color = `var(${variable})`;
    colour = getComputedStyle(probe).color;
    known.set(variable, colour);
  }
  return colour;
}

/** To be called when the theme changed. */
export function forgetColours() {
  known.clear();
}
