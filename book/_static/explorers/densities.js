// Normal densities, mixtures of them, and integrals over a grid, for the explorers of chapter 2.
// Everything is kept as logarithms until the end: log p − log q holds where p/q would be 0/0.
"use strict";

(() => {
  const genlib = window.genlib;
  if (genlib.densities) return;
  const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

  /** `count` numbers from low to high, evenly spaced. */
  function grid(low, high, count) {
    const step = (high - low) / (count - 1);
    return Float64Array.from({ length: count }, (_, i) => low + i * step);
  }

  /** log N(x; μ, σ²). */
  function logNormal(x, mu, sigma) {
    const u = (x - mu) / sigma;
    return -0.5 * u * u - Math.log(sigma) - HALF_LOG_2PI;
  }

  /** log(eᵃ + eᵇ) without overflow. */
  function logSum(a, b) {
    return a > b ? a + Math.log1p(Math.exp(b - a)) : b + Math.log1p(Math.exp(a - b));
  }

  /**
   * log of w N(μ₁, σ₁²) + (1 − w) N(μ₂, σ₂²) at x.
   * @param {number} x @param {{w: number, mu: number[], sigma: number[]}} mixture
   */
  function logMixture(x, { w, mu, sigma }) {
    const first = Math.log(w) + logNormal(x, mu[0], sigma[0]);
    return logSum(first, Math.log1p(-w) + logNormal(x, mu[1], sigma[1]));
  }

  /** Mean and standard deviation of such a mixture. */
  function moments({ w, mu, sigma }) {
    const mean = w * mu[0] + (1 - w) * mu[1];
    const square = w * (sigma[0] ** 2 + mu[0] ** 2) + (1 - w) * (sigma[1] ** 2 + mu[1] ** 2);
    return { mu: mean, sigma: Math.sqrt(square - mean * mean) };
  }

  /** KL(p‖q) of two normals in closed form, nats: equation of the chapter. */
  function klNormal(muP, sigmaP, muQ, sigmaQ) {
    const gap = sigmaP ** 2 + (muP - muQ) ** 2;
    return Math.log(sigmaQ / sigmaP) + gap / (2 * sigmaQ ** 2) - 0.5;
  }

  // What is integrated, from log p and log q at one place, nats.
  const INTEGRANDS = {
    forward: (logP, logQ) => Math.exp(logP) * (logP - logQ),
    reverse: (logP, logQ) => Math.exp(logQ) * (logQ - logP),
    js: (logP, logQ) => {
      const logM = logSum(logP, logQ) - Math.LN2;
      return 0.5 * (Math.exp(logP) * (logP - logM) + Math.exp(logQ) * (logQ - logM));
    },
  };

  /** The integral of `f` over an even grid by the trapezoidal rule. */
  function integral(xs, f) {
    const last = xs.length - 1;
    let sum = 0.5 * (f(0) + f(last));
    for (let i = 1; i < last; i += 1) sum += f(i);
    return (sum * (xs[last] - xs[0])) / last;
  }

  genlib.densities = {
    grid, logNormal, logSum, logMixture, moments, klNormal, integral, INTEGRANDS,
  };
})();
