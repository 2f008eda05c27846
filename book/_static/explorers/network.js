// Runs a decoder in the page: what `genlib.page_export.page_network` wrote, with the same sums as
// PyTorch's. `genlib.network(value)` reads it; `run(z)` gives the image of one code, and
// `genlib.screen(…).show(values)` draws it.
"use strict";

(() => {
  /**
   * @typedef {{bits: 16 | 32, data: string}} Packed  numbers as base64, little-endian
   * @typedef {{card: object, input: number, output: number[], layers: object[]}} Written
   * @typedef {{values: Float32Array, shape: number[]}} Values  row by row, as PyTorch keeps them
   * @typedef {(x: Values) => Values} Step
   */

  /** A number of 16 bits (sign, 5 of exponent, 10 of fraction) by its bits; made once. */
  let halves = null;

  /** @returns {Float32Array} all 65,536 numbers of 16 bits */
  function everyHalf() {
    const table = new Float32Array(65536);
    for (let bits = 0; bits < 65536; bits += 1) {
      const sign = bits & 0x8000 ? -1 : 1;
      const exponent = (bits >> 10) & 31;
      const fraction = bits & 1023;
      if (exponent === 31) table[bits] = fraction ? NaN : sign * Infinity;
      else if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
      else table[bits] = sign * (1024 + fraction) * 2 ** (exponent - 25);
    }
    return table;
  }

  /**
   * @param {Packed} packed
   * @returns {Float32Array}
   */
  function unpack(packed) {
    const text = atob(packed.data);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < bytes.length; i += 1) bytes[i] = text.charCodeAt(i);
    const view = new DataView(bytes.buffer);
    const size = packed.bits / 8;
    const numbers = new Float32Array(bytes.length / size);
    if (packed.bits === 16) halves ??= everyHalf();
    for (let i = 0; i < numbers.length; i += 1) {
      numbers[i] = packed.bits === 16
        ? halves[view.getUint16(i * size, true)] : view.getFloat32(i * size, true);
    }
    return numbers;
  }

  /** How many values a shape holds. */
  const count = (shape) => shape.reduce((product, size) => product * size, 1);

  /** y = W x + b. @returns {Step} */
  function linear(layer) {
    const weight = unpack(layer.weight); // [out, in]
    const bias = layer.bias ? unpack(layer.bias) : new Float32Array(layer.out);
    return ({ values }) => {
      const y = new Float32Array(layer.out);
      for (let o = 0; o < layer.out; o += 1) {
        let sum = bias[o];
        const row = o * layer.in;
        for (let i = 0; i < layer.in; i += 1) sum += weight[row + i] * values[i];
        y[o] = sum;
      }
      return { values: y, shape: [layer.out] };
    };
  }

  /**
   * sum[p] += Σ_c w[c] · x[c, p]: one row of a matrix product. Four channels at a time, so that
   * `sum` is read and written a quarter as often: that is half the time of a face.
   *
   * @param {Float32Array} sum  [pixels], changed
   * @param {Float32Array} weights
   * @param {number} first  where the weight of channel 0 stands
   * @param {number} step  how far it is to the next channel's
   * @param {Float32Array} x  [channels, pixels]
   */
  function addChannels(sum, weights, first, step, x) {
    const pixels = sum.length;
    const channels = x.length / pixels;
    let c = 0;
    for (; c + 4 <= channels; c += 4) {
      const at = first + c * step;
      const [a, b] = [weights[at], weights[at + step]];
      const [d, e] = [weights[at + 2 * step], weights[at + 3 * step]];
      const start = c * pixels;
      for (let p = 0; p < pixels; p += 1) {
        const q = start + p;
        sum[p] += a * x[q] + b * x[q + pixels] + d * x[q + 2 * pixels] + e * x[q + 3 * pixels];
      }
    }
    for (; c < channels; c += 1) {
      const a = weights[first + c * step];
      for (let p = 0; p < pixels; p += 1) sum[p] += a * x[c * pixels + p];
    }
  }

  /**
   * Each input pixel stamps the kernel onto the output, `stride` pixels from its neighbour's. One
   * element of the kernel and one output channel at a time: a weighted sum over the input channels,
   * then added where that element comes to lie. @returns {Step}
   */
  function transposed(layer) {
    const weight = unpack(layer.weight); // [in, out, kernel, kernel]
    const bias = layer.bias ? unpack(layer.bias) : new Float32Array(layer.out);
    const { kernel, stride, padding } = layer;
    const grown = (side) => (side - 1) * stride + kernel - 2 * padding + layer.output_padding;
    return ({ values, shape }) => {
      const [, height, width] = shape;
      const [tall, wide] = [grown(height), grown(width)];
      const y = new Float32Array(layer.out * tall * wide);
      const sum = new Float32Array(height * width);
      for (let o = 0; o < layer.out; o += 1) {
        const plane = y.subarray(o * tall * wide, (o + 1) * tall * wide).fill(bias[o]);
        for (let k = 0; k < kernel * kernel; k += 1) {
          const first = o * kernel * kernel + k;
          addChannels(sum.fill(0), weight, first, layer.out * kernel * kernel, values);
          const [down, right] = [Math.floor(k / kernel) - padding, (k % kernel) - padding];
          for (let i = 0; i < height; i += 1) {
            const row = i * stride + down;
            if (row < 0 || row >= tall) continue;
            for (let j = 0; j < width; j += 1) {
              const column = j * stride + right;
              if (column >= 0 && column < wide) plane[row * wide + column] += sum[i * width + j];
            }
          }
        }
      }
      return { values: y, shape: [layer.out, tall, wide] };
    };
  }

  /**
   * The pixels that one element of a convolution's kernel lies on, for every output pixel; 0 in the
   * padding. @returns {Float32Array} [channels, tall · wide], written into `into`
   */
  function underKernel({ values, shape }, { stride, down, right, tall, wide }, into) {
    const [channels, height, width] = shape;
    into.fill(0);
    for (let c = 0; c < channels; c += 1) {
      for (let i = 0; i < tall; i += 1) {
        const row = i * stride + down;
        if (row < 0 || row >= height) continue;
        const [from, to] = [(c * height + row) * width + right, (c * tall + i) * wide];
        for (let j = 0; j < wide; j += 1) {
          const column = j * stride + right;
          if (column >= 0 && column < width) into[to + j] = values[from + j * stride];
        }
      }
    }
    return into;
  }

  /** The same, seen from the output: a pixel gathers what lies under the kernel. @returns {Step} */
  function convolution(layer) {
    const weight = unpack(layer.weight); // [out, in, kernel, kernel]
    const bias = layer.bias ? unpack(layer.bias) : new Float32Array(layer.out);
    const { kernel, stride, padding } = layer;
    const shrunk = (side) => Math.floor((side + 2 * padding - kernel) / stride) + 1;
    return (x) => {
      const [, height, width] = x.shape;
      const [tall, wide] = [shrunk(height), shrunk(width)];
      const [pixels, area] = [tall * wide, kernel * kernel];
      const y = new Float32Array(layer.out * pixels);
      for (let o = 0; o < layer.out; o += 1) y.fill(bias[o], o * pixels, (o + 1) * pixels);
      const under = new Float32Array(layer.in * pixels);
      for (let k = 0; k < area; k += 1) {
        const [down, right] = [Math.floor(k / kernel) - padding, (k % kernel) - padding];
        underKernel(x, { stride, down, right, tall, wide }, under);
        for (let o = 0; o < layer.out; o += 1) {
          const plane = y.subarray(o * pixels, (o + 1) * pixels);
          addChannels(plane, weight, o * layer.in * area + k, area, under);
        }
      }
      return { values: y, shape: [layer.out, tall, wide] };
    };
  }

  /** Batch normalisation in evaluation: a scale and a shift for each channel. @returns {Step} */
  function scale(layer) {
    const [factor, shift] = [unpack(layer.scale), unpack(layer.shift)];
    return ({ values, shape }) => {
      const pixels = values.length / factor.length;
      const y = new Float32Array(values.length);
      for (let c = 0; c < factor.length; c += 1) {
        const [a, b] = [factor[c], shift[c]];
        for (let p = c * pixels; p < (c + 1) * pixels; p += 1) y[p] = a * values[p] + b;
      }
      return { values: y, shape };
    };
  }

  /** One function of every value. @returns {Step} */
  const each = (f) => ({ values, shape }) => ({ values: values.map(f), shape });

  /** @type {Record<string, (layer: object) => Step>} */
  const KINDS = {
    linear, transposed, convolution, scale,
    shape: (layer) => ({ values }) => ({ values, shape: layer.shape }),
    leaky: ({ slope }) => each((x) => (x > 0 ? x : slope * x)),
    tanh: () => each(Math.tanh),
    sigmoid: () => each((x) => 1 / (1 + Math.exp(-x))),
    clamp: () => each((x) => Math.min(Math.max(x, 0), 1)),
    rescale: () => each((x) => 0.5 * (x + 1)),
  };

  /**
   * A network that can be run.
   *
   * @param {Written} written  what a file of `data/` handed over
   * @returns {{card: object, input: number, output: number[],
   *   run: (z: ArrayLike<number>) => Float32Array}}
   *   `run` gives `output` values in [0, 1]: channel by channel, row by row
   */
  function network(written) {
    const steps = written.layers.map((layer) => {
      if (!KINDS[layer.kind]) throw new Error(`a layer of the unknown kind “${layer.kind}”`);
      return KINDS[layer.kind](layer);
    });
    const run = (z) => {
      if (z.length !== written.input) {
        throw new Error(`a code has ${written.input} numbers here, not ${z.length}`);
      }
      let x = { values: Float32Array.from(z), shape: [z.length] };
      for (const step of steps) x = step(x);
      if (x.values.length !== count(written.output)) throw new Error("the layers do not fit");
      return x.values;
    };
    return { card: written.card, input: written.input, output: written.output, run };
  }

  /**
   * An image as the pixels of a canvas, as large as the image.
   *
   * @param {ArrayLike<number>} values  in [0, 1], channel by channel
   * @param {number[]} shape  [1 or 3, H, W]
   * @returns {ImageData}
   */
  function picture(values, [channels, height, width]) {
    const image = new ImageData(width, height);
    const pixels = height * width;
    for (let p = 0; p < pixels; p += 1) {
      for (let c = 0; c < 3; c += 1) {
        image.data[4 * p + c] = Math.round(255 * values[(channels === 3 ? c * pixels : 0) + p]);
      }
      image.data[4 * p + 3] = 255;
    }
    return image;
  }

  /**
   * A picture with a name under it, drawn as large as its place allows, each pixel a square.
   *
   * @param {string} name
   * @param {number[]} shape  [1 or 3, H, W]
   * @param {string} label  what is drawn, for who cannot see it
   */
  function screen(name, shape, label) {
    const { element } = window.genlib.controls;
    const [, height, width] = shape;
    const canvas = element("canvas", { width, height, role: "img", "aria-label": label });
    const caption = element("div", { class: "latent-name", text: name });
    const made = element("div", { class: "latent-screen" }, canvas, caption);
    const show = (values) => canvas.getContext("2d").putImageData(picture(values, shape), 0, 0);
    const say = (text) => canvas.setAttribute("aria-label", text);
    const rename = (text) => { caption.textContent = text; };
    return { element: made, canvas, show, say, name: rename };
  }

  /**
   * Grey values from 0 to 255 in base64, as images travel, as values in [0, 1].
   *
   * @param {string} text
   * @returns {Float32Array}
   */
  function pixels(text) {
    return Float32Array.from(atob(text), (letter) => letter.charCodeAt(0) / 255);
  }

  /** A function that draws from N(0, 1), by Box and Muller's way. */
  const normal = () => (
    // 1 − u is never 0
    Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
  );

  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("network.css", document.currentScript.src).href;
  document.head.append(style);

  Object.assign(window.genlib, { network, picture, screen, pixels, normal });
})();
