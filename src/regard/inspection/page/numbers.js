// Texts come from outside: they enter the page through textContent alone, never as markup.
const END = "</s>";
const MEAN = -1;  // in place of a layer or a head: the mean of all

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const shorten = (text, most) => [...text].length > most ? [...text].slice(0, most - 1).join("") + "\u2026" : text;
const percent = (weight, digits = 0) =>
  weight > 0 && weight < 0.005 && !digits ? "<1%" : (100 * weight).toFixed(digits) + "%";
const otherSide = side => side === "src" ? "tgt" : "src";

/** What is drawn: weights over words or subwords, row by row, and the names of rows (tgt) and columns (src). */
class View {
  constructor(weights, src, tgt) {
    Object.assign(this, { weights, src, tgt, rows: tgt.length, columns: src.length });
  }
  at(t, s) { return this.weights[t * this.columns + s]; }
  labels(side) { return side === "src" ? this.src : this.tgt; }
  /** What a word of one side gave to, or received from, each word of the other. */
  of({ side, index }) {
    if (side === "tgt") return Array.from(this.weights.subarray(index * this.columns, (index + 1) * this.columns));
    return Array.from({ length: this.rows }, (_, t) => this.at(t, index));
  }
  /** The word of the other side that a word is most bound to; -1 where there is none. */
  strongest(choice) {
    const weights = this.of(choice);
    return weights.indexOf(Math.max(...weights));
  }
}

function mean(matrices) {
  if (matrices.length === 1) return matrices[0];
  const sum = new Float32Array(matrices[0].length);
  for (const one of matrices) one.forEach((weight, place) => { sum[place] += weight; });
  return sum.map(total => total / matrices.length);
}

/** One sentence as one model read it. Weights are decoded when they are first asked for. */
class Reading {
  constructor({ src, tgt, layers, rows, unit }) {
    Object.assign(this, { src, tgt, layers, rows, unit, columns: src.pieces.length + 1, decoded: new Map() });
  }
  get severalMatrices() { return this.layers.length > 1 || this.layers[0].heads > 1; }
  /** A layer's heads: whole numbers of 16 bits, the low byte first, each so many units. */
  decode(layer) {
    if (!this.decoded.has(layer)) {
      const bytes = Uint8Array.from(atob(this.layers[layer].weights), one => one.charCodeAt(0));
      const size = this.rows * this.columns, weights = new Float32Array(bytes.length / 2);
      for (let place = 0; place < weights.length; place++)
        weights[place] = (bytes[2 * place] + 256 * bytes[2 * place + 1]) * this.unit;
      this.decoded.set(layer, Array.from({ length: this.layers[layer].heads },
        (_, head) => weights.subarray(head * size, (head + 1) * size)));
    }
    return this.decoded.get(layer);
  }
  matrix(layer, head) {
    if (layer === MEAN) return mean(this.layers.map((_, one) => this.matrix(one, head)));
    return head === MEAN ? mean(this.decode(layer)) : this.decode(layer)[head];
  }
  /** Summed over a source word's subwords (the last column: on no word), averaged over a target word's. */
  overWords(matrix) {
    const last = this.src.words.length, width = last + 1;
    const merged = new Float32Array(this.tgt.words.length * width);
    const counts = this.tgt.words.map((_, word) => this.tgt.wordOf.filter(of => of === word).length);
    this.tgt.wordOf.forEach((word, t) => {
      if (word === null) return;
      for (let s = 0; s < this.columns; s++)
        merged[word * width + (this.src.wordOf[s] ?? last)] += matrix[t * this.columns + s] / counts[word];
    });
    return merged;
  }
  view(layer, head, level) {
    const matrix = this.matrix(layer, head);
    if (level === "word") return new View(this.overWords(matrix), [...this.src.words, END], this.tgt.words);
    return new View(matrix, [...this.src.pieces, END], [...this.tgt.pieces, END].slice(0, this.rows));
  }
  /** In words, which matrix this is. */
  caption(layer, head) {
    if (!this.severalMatrices) return "";
    if (layer === MEAN && this.layers.length > 1) return "mean of all layers and heads";
    const { name, heads } = this.layers[Math.max(layer, 0)];
    if (heads === 1) return name;
    return head === MEAN ? `${name}, mean of ${heads} heads` : `${name}, head ${head + 1}`;
  }
}
