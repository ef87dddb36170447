// The matrix: rows are target words, columns source words. A matrix that does not fit scrolls beneath fixed labels.
const MAX_LABEL = 18, FONT = 15, MIN_READABLE_CELL = 18, MAX_CELL = 50, MAX_HEIGHT = 660, GUTTER = 14;

/** The layout. A matrix that does not fit keeps readable labels and overflows, unless `whole` is set. */
function planMatrix(view, { width: room, height = MAX_HEIGHT }, whole = false) {
  const most = room < 480 ? 11 : MAX_LABEL;
  const names = { src: view.src.map(text => shorten(text, most)), tgt: view.tgt.map(text => shorten(text, most)) };
  const widest = side => Math.max(0, ...names[side].map(text => textWidth(text, FONT)));  // at the largest font size
  const wide = widest("src"), side = widest("tgt") + 18;
  const fits = Math.min((room - side - wide * 0.67) / view.columns, height / Math.max(view.rows, 1));
  const cell = clamp(Math.floor(fits), whole ? 2 : MIN_READABLE_CELL, MAX_CELL);
  const font = clamp(cell - 5, whole ? 9 : 12, FONT), every = Math.max(1, Math.ceil(font / cell)), scale = font / FONT, upright = cell < 22;
  const left = Math.ceil(side * scale + 4), top = Math.ceil(wide * scale * (upright ? 1 : 0.75) + 16);
  const overhang = upright ? 0 : wide * scale * 0.67;  // slanted labels extend to the right
  return { names, cell, font, every, upright, left, top, width: Math.ceil(left + view.columns * cell + overhang + 2),
    height: top + view.rows * cell + 2 };
}

/** Draws a part of the matrix: `size` pixels, starting at `offset`. */
function drawMatrix(pen, view, plan, colors, { offset = { x: 0, y: 0 }, size = plan, choice, cell, titles = false } = {}) {
  const { left, top, cell: step } = plan, gap = step > 20 ? 1.5 : step > 8 ? 1 : 0, inside = { x: left, y: top, width: size.width - left, height: size.height - top };
  const range = (from, length, count) => [clamp(Math.floor(from / step), 0, count), clamp(Math.ceil((from + length) / step), 0, count)];
  const [firstRow, lastRow] = range(offset.y, inside.height, view.rows), [firstColumn, lastColumn] = range(offset.x, inside.width, view.columns);
  const place = (t, s) => ({ x: left + s * step - offset.x, y: top + t * step - offset.y });
  pen.clipTo({ x: left - 3, y: top - 3, width: inside.width + 3, height: inside.height + 3 }, () => {
    for (let t = firstRow; t < lastRow; t++) for (let s = firstColumn; s < lastColumn; s++) {
      const weight = view.at(t, s), title = titles && `${view.tgt[t]} \u2192 ${view.src[s]} ${percent(weight, 2)}`;
      pen.rect({ ...place(t, s), width: step - gap, height: step - gap, radius: step > 20 ? 3 : step > 8 ? 1.5 : 0, fill: colors.fill(weight), title });
    }
    const band = (t, s, height, width) => {
      const { x, y } = place(t, s);
      pen.rect({ x: x - 1, y: y - 1, width: width * step - gap + 2, height: height * step - gap + 2, radius: 4, stroke: colors.mark });
    };
    if (choice?.side === "tgt") band(choice.index, 0, 1, view.columns);
    if (choice?.side === "src") band(0, choice.index, view.rows, 1);
    if (cell) band(cell.t, cell.s, 1, 1);
  });
  const pointed = side => cell?.[side === "src" ? "s" : "t"] ?? (choice?.side === side ? choice.index : undefined);
  // Labels that would overlap are skipped, except the hovered one. Rows and columns more than half outside have no label.
  const outside = (side, index) => {
    const { x, y } = place(index, index), middle = (side === "src" ? x - left : y - top) + step / 2;
    return middle < 0 || middle > (side === "src" ? inside.width : inside.height);
  };
  const named = (side, index) => !outside(side, index) && (index === pointed(side) || index % plan.every === 0 && !(Math.abs(index - pointed(side)) < plan.every));
  const style = (side, index) => {
    const marked = index === pointed(side) || choice?.side === side && choice.index === index;
    return { size: plan.font, fill: marked ? colors.mark : plan.names[side][index] === END ? colors.soft : colors.ink, weight: marked ? 600 : 400 };
  };
  pen.clipTo({ x: 0, y: top, width: left, height: inside.height }, () => {
    for (let t = firstRow; t < lastRow; t++) if (named("tgt", t))
      pen.text(plan.names.tgt[t], { x: left - 9, y: place(t, 0).y + (step - gap) / 2 + plan.font * 0.34, align: "right", ...style("tgt", t) });
  });
  pen.clipTo({ x: left - 2, y: 0, width: inside.width + 2, height: top }, () => {
    for (let s = firstColumn; s < lastColumn; s++) if (named("src", s)) {
      const x = place(0, s).x + (step - gap) / 2 + plan.font * (plan.upright ? 0.34 : 0.2);
      pen.text(plan.names.src[s], { x, y: top - 8, turn: plan.upright ? -90 : -48, ...style("src", s) });
    }
  });
}

class Matrix {
  constructor(panel) {
    this.panel = panel;
    for (const name of ["scroller", "extent", "matrix", "tip", "map"]) this[name] = panel.find(name);
    this.fit = panel.find("fit");
    this.listen();
  }
  layOut() {
    const { view } = this.panel, room = { width: this.scroller.clientWidth - GUTTER };
    const readable = planMatrix(view, room), overflows = readable.width > room.width + GUTTER || readable.height > 0.84 * innerHeight;
    const whole = this.fit.getAttribute("aria-pressed") === "true";
    this.fit.hidden = !overflows;
    this.plan = overflows && whole ? planMatrix(view, { ...room, height: Math.max(300, 0.84 * innerHeight - 120) }, true) : readable;
    this.extent.style.width = `${this.plan.width}px`;
    this.extent.style.height = `${this.plan.height}px`;
    this.seen = { width: Math.min(this.plan.width, this.scroller.clientWidth), height: Math.min(this.plan.height, this.scroller.clientHeight) };
    this.matrix.style.width = `${this.seen.width}px`;
    this.matrix.style.height = `${this.seen.height}px`;
    this.map.hidden = this.seen.width >= this.plan.width && this.seen.height >= this.plan.height;
    if (!this.map.hidden) this.layOutMap(view);
  }
  get offset() { return { x: this.scroller.scrollLeft, y: this.scroller.scrollTop }; }
  paint() {
    const { view, choice, cell, app } = this.panel, { plan, seen: size, offset } = this;
    drawMatrix(new CanvasPen(this.matrix, size, devicePixelRatio), view, plan, app.colors, { offset, size, choice, cell });
    this.paintMap();
    this.tip.hidden = !cell;
    if (!cell) return;
    this.tip.textContent = `${view.tgt[cell.t]} \u2192 ${view.src[cell.s]}  ${percent(view.at(cell.t, cell.s), 1)}`;
    const half = this.tip.offsetWidth / 2, frame = this.scroller.getBoundingClientRect();
    const x = frame.left + plan.left + (cell.s + 0.5) * plan.cell - offset.x, y = frame.top + plan.top + cell.t * plan.cell - offset.y;
    this.tip.style.left = `${clamp(x, half + 6, document.documentElement.clientWidth - half - 6)}px`;
    this.tip.style.top = `${y - 8}px`;
  }
  /** Scrolls a cell into view, with a margin; not while the pointer is in the matrix. */
  reveal({ t, s }) {
    if (this.pointed) return;
    const { plan, seen } = this;
    const into = (axis, index, frozen, length) => {
      const from = (index - 2) * plan.cell, to = (index + 3) * plan.cell - (length - frozen);
      this.scroller[axis] = clamp(this.scroller[axis], Math.min(to, from), from);
    };
    into("scrollTop", t, plan.top, seen.height);
    into("scrollLeft", s, plan.left, seen.width);
  }
  /** The row and column at a point; undefined outside the cells. */
  cellAt({ offsetX, offsetY }) {
    const { plan, offset, panel: { view } } = this;
    const index = (at, from, scrolled, count) => {
      const cell = Math.floor((at - from + scrolled) / plan.cell);
      return at >= from && cell >= 0 && cell < count ? cell : undefined;
    };
    return { t: index(offsetY, plan.top, offset.y, view.rows), s: index(offsetX, plan.left, offset.x, view.columns) };
  }
  listen() {
    const { matrix, panel } = this;
    const go = (t, s) => panel.hover({ side: "tgt", index: t }, { t, s });
    const point = event => {
      this.pointed = true;
      const { t, s } = this.cellAt(event);
      if (t !== undefined && s !== undefined) go(t, s);
      else if (t !== undefined) panel.hover({ side: "tgt", index: t });
      else if (s !== undefined) panel.hover({ side: "src", index: s });
      else panel.hover(null);
    };
    matrix.addEventListener("pointermove", event => { if (pointerMoved(event)) point(event); });
    matrix.addEventListener("pointerleave", () => { this.pointed = false; panel.hover(null); });
    matrix.addEventListener("blur", () => panel.hover(null));
    // On a touch screen, the pointer leaves before the click.
    matrix.addEventListener("click", event => { point(event); panel.pin(panel.hovered); });
    matrix.addEventListener("keydown", event => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (event.key === "Enter" && panel.hovered) return panel.pin(panel.hovered);
      if (event.key === "Escape") return panel.hover(null);
      if (!step || panel.view.rows === 0) return;
      event.preventDefault();
      this.pointed = false;
      const { pinned, view } = panel, from = panel.cell ?? { t: pinned?.side === "tgt" ? pinned.index : 0, s: -step[1] };
      const t = clamp(from.t + step[0], 0, view.rows - 1), s = clamp(from.s + step[1], 0, view.columns - 1);
      go(t, s);
      panel.announce(`${view.tgt[t]}, ${view.src[s]}: ${percent(view.at(t, s), 1)}`);
    });
    this.scroller.addEventListener("scroll", () => this.paint());
    this.fit.addEventListener("click", () => {
      this.fit.setAttribute("aria-pressed", this.fit.getAttribute("aria-pressed") !== "true");
      panel.layOut();
    });
    const move = event => { if (event.buttons) this.center(event.offsetX / this.map.clientWidth, event.offsetY / this.map.clientHeight); };
    for (const kind of ["pointerdown", "pointermove"]) this.map.addEventListener(kind, move);
  }
  /** Scrolls so that a position, given as fractions of the whole, is in the center. */
  center(x, y) {
    const { plan, seen } = this;
    this.scroller.scrollLeft = x * (plan.width - plan.left) - (seen.width - plan.left) / 2;
    this.scroller.scrollTop = y * (plan.height - plan.top) - (seen.height - plan.top) / 2;
  }
  layOutMap(view) {
    const step = Math.min(110 / view.columns, 110 / Math.max(view.rows, 1));
    this.map.style.width = `${Math.max(16, Math.ceil(view.columns * step))}px`;
    this.map.style.height = `${Math.max(16, Math.ceil(view.rows * step))}px`;
  }
  paintMap() {
    if (this.map.hidden) return;
    const { view, app } = this.panel, { plan, seen, offset, map } = this;
    const size = { width: map.clientWidth, height: map.clientHeight }, pen = new CanvasPen(map, size, devicePixelRatio);
    pen.context.drawImage(pixels(view, app.colors), 0, 0, size.width, size.height);
    const x = size.width / (plan.width - plan.left), y = size.height / (plan.height - plan.top);
    pen.rect({ x: offset.x * x + 1, y: offset.y * y + 1, width: Math.min((seen.width - plan.left) * x, size.width) - 2,
      height: Math.min((seen.height - plan.top) * y, size.height) - 2, radius: 3, stroke: app.colors.mark, lineWidth: 2 });
  }
}

/** A canvas with one pixel per weight. */
function pixels(view, colors) {
  const canvas = element("canvas", { width: view.columns, height: Math.max(1, view.rows) });
  const image = new ImageData(canvas.width, canvas.height);
  view.weights.forEach((weight, place) => {
    const [red, green, blue] = colors.ramp[colors.index(weight)], at = 4 * place;
    image.data[at] = red;
    image.data[at + 1] = green;
    image.data[at + 2] = blue;
    image.data[at + 3] = 255;
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
