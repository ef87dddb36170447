// Two pens with the same interface: one draws on a canvas (screen and PNG), the other into SVG.
const FAMILY = '"Iowan Old Style", "Palatino Linotype", Palatino, Charter, Georgia, "Noto Serif", serif';

function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  Object.assign(node, properties);
  node.append(...children);
  return node;
}
function svgElement(tag, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}
const ruler = document.createElement("canvas").getContext("2d");
/** The width of a text in bold, its widest style. */
function textWidth(text, size) {
  ruler.font = `600 ${size}px ${FAMILY}`;
  return ruler.measureText(text).width;
}

class CanvasPen {
  constructor(canvas, { width, height }, scale) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    this.context = canvas.getContext("2d");
    this.context.scale(scale, scale);
  }
  rect({ x, y, width, height, radius = 0, fill, stroke, lineWidth = 1.5 }) {
    this.context.beginPath();
    this.context.roundRect(x, y, width, height, radius);
    if (fill) { this.context.fillStyle = fill; this.context.fill(); }
    if (stroke) { this.context.strokeStyle = stroke; this.context.lineWidth = lineWidth; this.context.stroke(); }
  }
  text(text, { x, y, size, fill, weight = 400, align = "left", turn = 0 }) {
    this.context.save();
    this.context.translate(x, y);
    this.context.rotate(turn * Math.PI / 180);
    this.context.font = `${weight} ${size}px ${FAMILY}`;
    Object.assign(this.context, { fillStyle: fill, textAlign: align, textBaseline: "alphabetic" });
    this.context.fillText(text, 0, 0);
    this.context.restore();
  }
  clipTo({ x, y, width, height }, draw) {
    this.context.save();
    this.context.beginPath();
    this.context.rect(x, y, width, height);
    this.context.clip();
    draw();
    this.context.restore();
  }
  /** Draws with a translated origin. */
  translated(x, y, draw) {
    this.context.save();
    this.context.translate(x, y);
    draw();
    this.context.restore();
  }
}

class SvgPen {
  constructor({ width, height }) {
    this.root = this.parent = svgElement("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "font-family": FAMILY });
  }
  rect({ x, y, width, height, radius = 0, fill = "none", stroke, lineWidth = 1.5, title }) {
    const node = svgElement("rect", { x, y, width, height, rx: radius, fill });
    if (stroke) { node.setAttribute("stroke", stroke); node.setAttribute("stroke-width", lineWidth); }
    if (title) node.append(svgElement("title", {}, printable(title)));
    this.parent.append(node);
  }
  text(text, { x, y, size, fill, weight = 400, align = "left", turn = 0 }) {
    const anchor = { left: "start", center: "middle", right: "end" }[align];
    this.parent.append(svgElement("text", { x, y, "font-size": size, fill, "font-weight": weight, "text-anchor": anchor,
      ...turn && { transform: `rotate(${turn} ${x} ${y})` } }, printable(text)));
  }
  clipTo(_, draw) { draw(); }  // a saved picture is complete, so nothing needs clipping
  translated(x, y, draw) {
    const outer = this.parent;
    this.parent = svgElement("g", { transform: `translate(${x} ${y})` });
    outer.append(this.parent);
    draw();
    this.parent = outer;
  }
}
/** Replaces characters that XML does not allow. */
const printable = text => text.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");
