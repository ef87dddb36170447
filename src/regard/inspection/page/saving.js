// Saving pictures: the complete matrices that are shown, laid out as for a paper.
const EDGE = 24, HEADING = 17, MAX_PIXELS = 12000;

/** Lays out all panels side by side, each below its model name. */
function planPicture(app) {
  const figures = app.panels.map(panel => {
    const plan = planMatrix(panel.view, { width: 760 }), caption = panel.reading.caption(panel.layer, panel.head);
    const lines = [panel.model.name, caption].filter(Boolean);
    return { panel, plan, lines };
  });
  const most = Math.max(...figures.map(figure => figure.lines.length)), head = most ? most * 22 + 10 : 0;
  let x = EDGE;
  for (const figure of figures) {
    figure.x = x;
    x += Math.max(figure.plan.width, ...figure.lines.map(line => textWidth(line, HEADING))) + 2 * EDGE;
  }
  return { figures, head, width: Math.ceil(x - EDGE), height: Math.ceil(head + Math.max(...figures.map(figure => figure.plan.height)) + 2 * EDGE + 40) };
}
function drawPicture(pen, app, { figures, head, width, height }) {
  const { colors } = app;
  pen.rect({ x: 0, y: 0, width, height, fill: colors.card });
  for (const { panel, plan, lines, x } of figures) {
    lines.forEach((line, index) => pen.text(line, { x, y: EDGE + 12 + index * 22, size: index || !panel.model.name ? 14 : HEADING,
      fill: index || !panel.model.name ? colors.soft : colors.ink }));
    pen.translated(x, EDGE + head, () => drawMatrix(pen, panel.view, plan, colors, { titles: true }));
  }
  drawScale(pen, colors, EDGE, height - EDGE - 16);
}
/** Draws the color scale. */
function drawScale(pen, colors, x, y) {
  const length = 160, steps = 80;
  for (let step = 0; step < steps; step++)
    pen.rect({ x: x + step * length / steps, y, width: length / steps, height: 8, fill: colors.fills[Math.round(step * (SHADES - 1) / (steps - 1))] });
  for (const weight of [0, 0.1, 0.5, 1])
    pen.text(weight ? percent(weight) : "0", { x: x + length * shade(weight), y: y + 21, size: 11, fill: colors.soft, align: weight === 0 ? "left" : weight === 1 ? "right" : "center" });
  pen.text(say("pictureAxes"), { x: x + length + 24, y: y + 9, size: 12, fill: colors.soft });
}
function save(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
function fileName(ending) {
  const plainTitle = plain(document.title).replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
  return `${shorten(plainTitle, 40).replace("\u2026", "") || "attention"}.${ending}`;
}
function savePng(app) {
  const picture = planPicture(app), canvas = element("canvas");
  drawPicture(new CanvasPen(canvas, picture, Math.min(3, MAX_PIXELS / picture.width, MAX_PIXELS / picture.height)), app, picture);
  canvas.toBlob(blob => save(blob, fileName("png")));
}
function saveSvg(app) {
  const picture = planPicture(app), pen = new SvgPen(picture);
  drawPicture(pen, app, picture);
  save(new Blob([new XMLSerializer().serializeToString(pen.root)], { type: "image/svg+xml" }), fileName("svg"));
}
