// Weights are encoded in the lightness of one hue. The scale is the same for every matrix, so that matrices are
// comparable. It is a power function, so that a weight of 5% is still distinguishable from 0.
const EXPONENT = 0.6, SHADES = 256;
const shade = weight => clamp(weight, 0, 1) ** EXPONENT;

/** The current theme colors of the page, as numbers and as CSS colors for canvas and SVG. */
class Colors {
  constructor() {
    const probe = element("span", { hidden: true });
    document.body.append(probe);
    const resolved = name => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
    for (const name of ["card", "ink", "soft", "mark", "line"]) this[name] = resolved(name);
    const stops = ["low", "middle", "deep"].map(name => oklab(resolved(name).match(/[\d.]+/g).slice(0, 3).map(Number)));
    probe.remove();
    this.ramp = Array.from({ length: SHADES }, (_, shade) => {
      const place = 2 * shade / (SHADES - 1), from = stops[place < 1 ? 0 : 1], to = stops[place < 1 ? 1 : 2];
      return rgb(from.map((start, axis) => start + (to[axis] - start) * (place < 1 ? place : place - 1)));
    });
    this.fills = this.ramp.map(channels => `rgb(${channels.join(",")})`);
  }
  index(weight) { return Math.round((SHADES - 1) * shade(weight)); }
  fill(weight) { return this.fills[this.index(weight)]; }
}

/** Converts sRGB to Oklab, in which equal steps look equal (Ottosson 2020). */
function oklab(channels) {
  const [r, g, b] = channels.map(value => value / 255).map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}
function rgb([lightness, a, b]) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s]
    .map(value => clamp(value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055, 0, 1)).map(value => Math.round(255 * value));
}
