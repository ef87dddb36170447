// Texts are untrusted: they enter the page only through textContent, never as markup.
const END = "</s>";
const MEAN = -1;  // stands for the mean of all layers or heads

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const shorten = (text, most) => [...text].length > most ? [...text].slice(0, most - 1).join("") + "\u2026" : text;
const formats = new Map();
/** Formats a share in the language of the page. */
function percent(share, digits = 0) {
  const { lang } = document.documentElement, key = `${lang} ${digits}`;
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(lang, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }));
  return share > 0 && share < 0.005 && !digits ? `<${formats.get(key).format(0.01)}` : formats.get(key).format(share);
}
const otherSide = side => side === "src" ? "tgt" : "src";

/** The matrix that is drawn: row-major weights over words or subwords, with row labels (tgt) and column labels (src). */
class View {
  constructor(weights, src, tgt) {
    Object.assign(this, { weights, src, tgt, rows: tgt.length, columns: src.length });
  }
  at(t, s) { return this.weights[t * this.columns + s]; }
  labels(side) { return side === "src" ? this.src : this.tgt; }
  /** The attention weights between a word and all words of the other side. */
  weightsOf({ side, index }) {
    if (side === "tgt") return Array.from(this.weights.subarray(index * this.columns, (index + 1) * this.columns));
    return Array.from({ length: this.rows }, (_, t) => this.at(t, index));
  }
  /** Index of the word on the other side with the highest weight; -1 if there is none. */
  strongest(choice) {
    const weights = this.weightsOf(choice);
    return weights.indexOf(Math.max(...weights));
  }
}

function mean(matrices) {
  if (matrices.length === 1) return matrices[0];
  const sum = new Float32Array(matrices[0].length);
  for (const matrix of matrices) matrix.forEach((weight, index) => { sum[index] += weight; });
  return sum.map(total => total / matrices.length);
}

/** The record of one sentence and one model. Weights are decoded on first use. */
class Reading {
  constructor({ src, tgt, layers, rows, unit }) {
    Object.assign(this, { src, tgt, layers, rows, unit, columns: src.pieces.length + 1, decoded: new Map() });
  }
  get hasSeveralMatrices() { return this.layers.length > 1 || this.layers[0].heads > 1; }
  /** Decodes the heads of a layer: little-endian 16-bit integers, in multiples of `unit`. */
  decode(layer) {
    if (!this.decoded.has(layer)) {
      const bytes = Uint8Array.from(atob(this.layers[layer].weights), character => character.charCodeAt(0));
      const size = this.rows * this.columns, weights = new Float32Array(bytes.length / 2);
      for (let index = 0; index < weights.length; index++)
        weights[index] = (bytes[2 * index] + 256 * bytes[2 * index + 1]) * this.unit;
      this.decoded.set(layer, Array.from({ length: this.layers[layer].heads },
        (_, head) => weights.subarray(head * size, (head + 1) * size)));
    }
    return this.decoded.get(layer);
  }
  matrix(layer, head) {
    if (layer === MEAN) return mean(this.layers.map((_, number) => this.matrix(number, head)));
    return head === MEAN ? mean(this.decode(layer)) : this.decode(layer)[head];
  }
  /** Sum over source subwords (last column: weight on no word), maximum over target subwords; as AttentionRecord.words. */
  mergeToWords(matrix) {
    const last = this.src.words.length, width = last + 1;
    const merged = new Float32Array(this.tgt.words.length * width);
    this.tgt.wordOf.forEach((word, t) => {
      if (word === null || t >= this.rows) return;
      const row = new Float32Array(width);
      for (let s = 0; s < this.columns; s++) row[this.src.wordOf[s] ?? last] += matrix[t * this.columns + s];
      row.forEach((weight, s) => { merged[word * width + s] = Math.max(merged[word * width + s], weight); });
    });
    return merged;
  }
  view(layer, head, level) {
    const matrix = this.matrix(layer, head);
    if (level === "word") return new View(this.mergeToWords(matrix), [...this.src.words, END], this.tgt.words);
    return new View(matrix, [...this.src.pieces, END], [...this.tgt.pieces, END].slice(0, this.rows));
  }
  /** A caption for a layer and head. */
  caption(layer, head) {
    if (!this.hasSeveralMatrices) return "";
    if (layer === MEAN && this.layers.length > 1) return say("meanOfAll");
    const { name, heads } = this.layers[Math.max(layer, 0)];
    if (heads === 1) return layerName(name);
    return head === MEAN ? say("meanOfHeads", { layer: layerName(name), heads }) : say("oneHead", { layer: layerName(name), head: head + 1 });
  }
}
