// Fitting one normal density to a mixture of two by gradient descent: forward KL, reverse KL or
// Jensen–Shannon, each an integral over a grid, its gradient by hand, and Adam. It draws nothing.
//
// needs: densities.js
"use strict";

(() => {
  const { densities } = window.genlib;
  // Adam's rate is the chapter's; far starts have huge slopes, and 0.99 forgets them in time.
  const STEPS = 1000, RATE = 0.05, BETA1 = 0.9, BETA2 = 0.99, STILL = 1e-7;
  const GRID = densities.grid(-20, 20, 801); // q must not have its mass beyond it

  // Derivative of the integrand with respect to q(x), times q(x): what weighs the score of q.
  const WEIGHTS = {
    forward: (logP) => -Math.exp(logP),
    reverse: (logP, logQ) => Math.exp(logQ) * (logQ - logP + 1),
    js: (logP, logQ) => 0.5 * Math.exp(logQ) * (logQ - densities.logSum(logP, logQ) + Math.LN2),
  };

  /** @param {{separation: number, w: number, sigma1: number, sigma2: number}} target */
  const mixture = ({ separation, w, sigma1, sigma2 }) => (
    { w, mu: [-separation / 2, separation / 2], sigma: [sigma1, sigma2] }
  );

  /** log p on the grid. */
  const logTarget = (target) => {
    const parts = mixture(target);
    return GRID.map((x) => densities.logMixture(x, parts));
  };

  /** Gradient of a divergence with respect to μ and log σ. */
  function gradient(kind, logP, mu, sigma) {
    const weigh = WEIGHTS[kind];
    let toMu = 0, toLogSigma = 0;
    for (let i = 0; i < GRID.length; i += 1) {
      const u = (GRID[i] - mu) / sigma;
      const weight = weigh(logP[i], densities.logNormal(GRID[i], mu, sigma));
      toMu += (weight * u) / sigma;
      toLogSigma += weight * (u * u - 1);
    }
    const dx = GRID[1] - GRID[0];
    return [toMu * dx, toLogSigma * dx];
  }

  /** The divergences of p and N(μ, σ²), nats. */
  function measure(logP, mu, sigma) {
    const logQ = GRID.map((x) => densities.logNormal(x, mu, sigma));
    const found = {};
    for (const [kind, f] of Object.entries(densities.INTEGRANDS)) {
      found[kind] = densities.integral(GRID, (i) => f(logP[i], logQ[i]));
    }
    return found;
  }

  /** A fit at its start: parameters (μ, log σ), and Adam's two running means of each. */
  function begin(start) {
    const at = [start.mu, Math.log(start.sigma)];
    return { at, first: [0, 0], second: [0, 0], step: 0, path: [[...at]], done: false };
  }

  /** One step of Adam; a fit that has arrived stays. */
  function advance(fit, kind, logP) {
    if (fit.done) return;
    const slope = gradient(kind, logP, fit.at[0], Math.exp(fit.at[1]));
    fit.step += 1;
    for (const i of [0, 1]) {
      fit.first[i] += (1 - BETA1) * (slope[i] - fit.first[i]);
      fit.second[i] += (1 - BETA2) * (slope[i] ** 2 - fit.second[i]);
      const mean = fit.first[i] / (1 - BETA1 ** fit.step);
      const size = Math.sqrt(fit.second[i] / (1 - BETA2 ** fit.step));
      fit.at[i] -= (RATE * mean) / (size + 1e-8);
    }
    fit.path.push([...fit.at]);
    fit.done = fit.step >= STEPS || Math.hypot(...slope) < STILL;
  }

  window.genlib.descent = { STEPS, GRID, mixture, logTarget, measure, begin, advance };
})();
