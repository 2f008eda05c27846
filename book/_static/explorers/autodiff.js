// Automatic differentiation: derivatives of derivatives included.
//
// A tensor here is a matrix. It remembers what it was made from, and for each of those how a
// gradient passes back to it. `grad` walks that record from the end to the beginning. A gradient is
// passed back by the very same operations, so it has a record of its own and can be differentiated
// again: that is all that WGAN-GP's penalty needs ("double backward").
//
//   const w = tensor([1, 2], 2, 1), x = tensor([3, 4], 1, 2);
//   const y = sum(square(matmul(x, w)));
//   const [slope] = grad(y, [w], { createGraph: true });   // 2 (x·w) xᵀ = [66, 88]
//   const [again] = grad(sum(slope), [x]);
//
// Values are Float32Array, or Float64Array where an input is one. Tests hold every operation's
// gradient, and the gradient's gradient, against difference quotients.
//
// needs: matrix-product.js
"use strict";

(() => {
  const genlib = (window.genlib = window.genlib || {});
  const { multiply } = genlib;

  /**
   * @typedef {object} Tensor
   * @property {number} rows @property {number} cols
   * @property {Float32Array | Float64Array} values row by row
   * @property {number} id later ones have larger numbers
   * @property {[Tensor, (gradient: Tensor) => Tensor][]} parents what it was made from, and how a
   *   gradient with respect to it becomes one with respect to them
   */

  let made = 0; // tensors so far
  let recording = true; // whether operations remember their parents
  let borrowed = null; // arrays of the scope that is open
  const free = new Map(); // arrays to use again, by length

  /** An array with anything in it. Tensors are many and short-lived, so arrays are used again. */
  function take(Kind, length) {
    if (Kind !== Float32Array || borrowed === null) return new Kind(length);
    const array = free.get(length)?.pop() ?? new Float32Array(length);
    borrowed.push(array);
    return array;
  }

  /**
   * Run `work`, then take back the arrays of all tensors that it made. What it returns must be
   * numbers or copies; weights that live longer are made outside.
   */
  function scope(work) {
    const outer = borrowed;
    borrowed = [];
    try {
      return work();
    } finally {
      for (const array of borrowed) {
        const shelf = free.get(array.length);
        if (shelf) shelf.push(array);
        else free.set(array.length, [array]);
      }
      borrowed = outer;
    }
  }

  /** @returns {Tensor} */
  function node(values, rows, cols, parents = []) {
    made += 1;
    return { rows, cols, values, id: made, parents: recording ? parents : [] };
  }

  /** A tensor of given numbers: an input, or weights. A typed array is kept, not copied. */
  function tensor(values, rows, cols) {
    const typed = ArrayBuffer.isView(values) ? values : Float32Array.from(values);
    if (typed.length !== rows * cols) {
      throw new Error(`${typed.length} numbers do not make a ${rows} × ${cols} matrix`);
    }
    return node(typed, rows, cols);
  }

  const kindOf = (...tensors) =>
    tensors.some(({ values }) => values instanceof Float64Array) ? Float64Array : Float32Array;

  // ------------------------------------------------------------------ one number at a time

  /** f of each entry; `slope(x, y)` is the tensor f′(x), where y is the result. */
  function each(x, f, slope) {
    const from = x.values, values = take(kindOf(x), from.length);
    for (let i = 0; i < values.length; i += 1) values[i] = f(from[i]);
    const y = node(values, x.rows, x.cols, [[x, (gradient) => mul(gradient, slope(x, y))]]);
    return y;
  }

  /** c · x for a number c. */
  function scale(x, c) {
    const from = x.values, values = take(kindOf(x), from.length);
    for (let i = 0; i < values.length; i += 1) values[i] = c * from[i];
    return node(values, x.rows, x.cols, [[x, (gradient) => scale(gradient, c)]]);
  }

  /** x + c for a number c. */
  function shift(x, c) {
    const from = x.values, values = take(kindOf(x), from.length);
    for (let i = 0; i < values.length; i += 1) values[i] = from[i] + c;
    return node(values, x.rows, x.cols, [[x, (gradient) => gradient]]);
  }

  const neg = (x) => scale(x, -1);
  const square = (x) => mul(x, x);

  /** xᵖ for x not below 0, with 0ᵖ = 0 for every p: so the root's slope at 0 is 0, not infinite. */
  function power(x, p) {
    const f = p === 0.5 ? Math.sqrt : p === -0.5 ? (v) => 1 / Math.sqrt(v) : (v) => v ** p;
    return each(x, (v) => (v === 0 ? 0 : f(v)), () => scale(power(x, p - 1), p));
  }
  const sqrt = (x) => power(x, 0.5);

  /** 1 where x is above 0, else 0. Its slope is 0 wherever it has one, so it has no record. */
  function step(x) {
    const from = x.values, values = take(kindOf(x), from.length);
    for (let i = 0; i < values.length; i += 1) values[i] = Number(from[i] > 0);
    return node(values, x.rows, x.cols);
  }

  /** max(x, 0), in a loop of its own: nothing is called so often. */
  function relu(x) {
    const from = x.values, values = take(kindOf(x), from.length);
    for (let i = 0; i < values.length; i += 1) values[i] = Math.max(0, from[i]);
    return node(values, x.rows, x.cols, [[x, (gradient) => mul(gradient, step(x))]]);
  }

  const leakyRelu = (x, leak = 0.2) =>
    each(x, (v) => (v > 0 ? v : leak * v), () => shift(scale(step(x), 1 - leak), leak));
  const tanh = (x) => each(x, Math.tanh, (_, y) => shift(neg(square(y)), 1));
  const sigmoid = (x) => each(x, (v) => 1 / (1 + Math.exp(-v)), (_, y) => mul(y, shift(neg(y), 1)));

  /** log(1 + eˣ) without overflow. */
  const softplus = (x) =>
    each(x, (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))), () => sigmoid(x));

  // ------------------------------------------------------------------ broadcasting and sums

  /** x with its single row or column (or both) repeated to rows × cols. */
  function spread(x, rows, cols) {
    if (x.rows === rows && x.cols === cols) return x;
    const values = take(kindOf(x), rows * cols);
    const down = x.rows === 1 ? 0 : x.cols, across = x.cols === 1 ? 0 : 1;
    for (let i = 0; i < rows; i += 1) {
      for (let j = 0; j < cols; j += 1) values[i * cols + j] = x.values[i * down + j * across];
    }
    return node(values, rows, cols, [[x, (gradient) => sumTo(gradient, x.rows, x.cols)]]);
  }

  /** x summed over its rows, its columns, or both, down to rows × cols: the reverse of `spread`. */
  function sumTo(x, rows, cols) {
    if (x.rows === rows && x.cols === cols) return x;
    const values = take(kindOf(x), rows * cols);
    const totals = new Float64Array(rows * cols); // sums want more digits than their terms
    const down = rows === 1 ? 0 : cols, across = cols === 1 ? 0 : 1;
    for (let i = 0; i < x.rows; i += 1) {
      for (let j = 0; j < x.cols; j += 1) {
        totals[i * down + j * across] += x.values[i * x.cols + j];
      }
    }
    values.set(totals);
    return node(values, rows, cols, [[x, (gradient) => spread(gradient, x.rows, x.cols)]]);
  }

  const sum = (x) => sumTo(x, 1, 1);
  const mean = (x) => scale(sum(x), 1 / x.values.length);

  /** a and b entry by entry; a single row or column is repeated. */
  function pair(a, b, f, toA, toB) {
    const rows = Math.max(a.rows, b.rows), cols = Math.max(a.cols, b.cols);
    for (const { rows: r, cols: c } of [a, b]) {
      if ((r !== rows && r !== 1) || (c !== cols && c !== 1)) {
        throw new Error(`${a.rows} × ${a.cols} does not fit ${b.rows} × ${b.cols}`);
      }
    }
    const values = take(kindOf(a, b), rows * cols);
    const down = [a, b].map((t) => (t.rows === 1 ? 0 : t.cols));
    const across = [a, b].map((t) => (t.cols === 1 ? 0 : 1));
    f(a.values, b.values, values, rows, cols, down, across);
    return node(values, rows, cols, [
      [a, (gradient) => sumTo(toA(gradient), a.rows, a.cols)],
      [b, (gradient) => sumTo(toB(gradient), b.rows, b.cols)],
    ]);
  }

  const same = (gradient) => gradient;

  const add = (a, b) => pair(a, b, (x, y, out, rows, cols, down, across) => {
    for (let i = 0; i < rows; i += 1) {
      for (let j = 0, p = i * down[0], q = i * down[1], o = i * cols; j < cols; j += 1, o += 1) {
        out[o] = x[p] + y[q];
        p += across[0];
        q += across[1];
      }
    }
  }, same, same);

  const sub = (a, b) => add(a, neg(b));

  const mul = (a, b) => pair(a, b, (x, y, out, rows, cols, down, across) => {
    for (let i = 0; i < rows; i += 1) {
      for (let j = 0, p = i * down[0], q = i * down[1], o = i * cols; j < cols; j += 1, o += 1) {
        out[o] = x[p] * y[q];
        p += across[0];
        q += across[1];
      }
    }
  }, (gradient) => mul(gradient, b), (gradient) => mul(gradient, a));

  // ------------------------------------------------------------------ matrices

  function transpose(x) {
    const { rows, cols } = x, values = take(kindOf(x), x.values.length);
    for (let i = 0; i < rows; i += 1) {
      for (let j = 0; j < cols; j += 1) values[j * rows + i] = x.values[i * cols + j];
    }
    return node(values, cols, rows, [[x, transpose]]);
  }

  /** The matrix product: [n, k], [k, m] -> [n, m]. */
  function matmul(a, b) {
    if (a.cols !== b.rows) {
      throw new Error(`${a.rows} × ${a.cols} times ${b.rows} × ${b.cols}: the inner sizes differ`);
    }
    const values = take(kindOf(a, b), a.rows * b.cols);
    multiply(a.values, b.values, values, a.rows, a.cols, b.cols);
    return node(values, a.rows, b.cols, [
      [a, (gradient) => matmul(gradient, transpose(b))],
      [b, (gradient) => matmul(transpose(a), gradient)],
    ]);
  }

  // ------------------------------------------------------------------ gradients

  /**
   * ∂output/∂input for each of `inputs`, as tensors of their shapes.
   * @param {Tensor} output of one number
   * @param {Tensor[]} inputs
   * @param {{createGraph?: boolean}} [options] whether the gradients shall have a record, so that
   *   they can be differentiated in turn
   * @returns {Tensor[]}
   */
  function grad(output, inputs, { createGraph = false } = {}) {
    if (output.values.length !== 1) throw new Error("grad differentiates one number: take a sum");
    const leads = new Map(inputs.map((input) => [input.id, true])); // does it depend on an input?
    const order = [];
    const visit = (x) => {
      if (leads.has(x.id)) return leads.get(x.id);
      leads.set(x.id, false);
      const found = x.parents.map(([parent]) => visit(parent)).includes(true);
      leads.set(x.id, found);
      if (found) order.push(x);
      return found;
    };
    visit(output);
    order.sort((a, b) => b.id - a.id); // what was made last comes first
    const one = tensor(new (kindOf(output))([1]), 1, 1);
    const gradients = new Map([[output.id, one]]);
    const before = recording;
    recording = createGraph;
    try {
      for (const x of order) {
        const gradient = gradients.get(x.id);
        for (const [parent, back] of x.parents) {
          if (!leads.get(parent.id)) continue;
          const part = back(gradient), known = gradients.get(parent.id);
          gradients.set(parent.id, known ? add(known, part) : part);
        }
      }
    } finally {
      recording = before;
    }
    return inputs.map((input) => gradients.get(input.id)
      ?? tensor(new (kindOf(input))(input.values.length), input.rows, input.cols));
  }

  /** Run `work` without a record: for what will not be differentiated. */
  function withoutRecord(work) {
    const before = recording;
    recording = false;
    try {
      return work();
    } finally {
      recording = before;
    }
  }

  genlib.autodiff = {
    tensor, scope, grad, withoutRecord, add, sub, mul, scale, shift, neg, square, power, sqrt, step,
    relu, leakyRelu, tanh, sigmoid, softplus, spread, sumTo, sum, mean, transpose, matmul,
  };
})();
