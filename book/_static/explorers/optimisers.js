// Adam and RMSprop as torch has them. Each is made for a list of weights, which are autodiff.js's
// tensors, and moves them in place: `const improve = adam(weights, options)`, then
// `improve(gradients, rate)`.
"use strict";

(() => {
  const genlib = (window.genlib = window.genlib || {});

  const EPSILON = 1e-8; // torch's, in both

  /**
   * Adam (Kingma & Ba 2015): moves `weights` against the gradients.
   * @param {Tensor[]} weights @param {{beta1: number, beta2: number}} options
   */
  function adam(weights, { beta1, beta2 }) {
    const first = weights.map(({ values }) => new values.constructor(values.length));
    const second = weights.map(({ values }) => new values.constructor(values.length));
    let t = 0;
    return (gradients, rate) => {
      t += 1;
      const pace = rate / (1 - beta1 ** t), root = Math.sqrt(1 - beta2 ** t);
      weights.forEach(({ values }, k) => {
        const m = first[k], v = second[k], g = gradients[k].values;
        for (let i = 0; i < values.length; i += 1) {
          m[i] += (1 - beta1) * (g[i] - m[i]);
          v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
          values[i] -= (pace * m[i]) / (Math.sqrt(v[i]) / root + EPSILON);
        }
      });
    };
  }

  /** RMSprop, with torch's α. @param {Tensor[]} weights */
  function rmsprop(weights, { alpha }) {
    const second = weights.map(({ values }) => new values.constructor(values.length));
    return (gradients, rate) => {
      weights.forEach(({ values }, k) => {
        const v = second[k], g = gradients[k].values;
        for (let i = 0; i < values.length; i += 1) {
          v[i] = alpha * v[i] + (1 - alpha) * g[i] * g[i];
          values[i] -= (rate * g[i]) / (Math.sqrt(v[i]) + EPSILON);
        }
      });
    };
  }

  genlib.optimisers = { adam, rmsprop };
})();
