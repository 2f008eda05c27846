// The GAN laboratory's points: random numbers by seed and purpose, the three targets of
// genlib/data/points.py, and how modes are counted.
"use strict";

(() => {
  const genlib = (window.genlib = window.genlib || {});

  // ------------------------------------------------------------------ random numbers

  /**
   * A stream of random numbers of its own for each (seed, purpose), so that drawing a picture
   * changes nothing in the training. The generator is Tommy Ettinger's mulberry32: one 32-bit
   * counter, scrambled. Normals are Box and Muller's.
   * @param {number} seed @param {string} purpose
   */
  function randomStream(seed, purpose) {
    let state = 0x811c9dc5; // FNV-1a over the words, so that neighbouring seeds share nothing
    for (const letter of `${purpose}/${seed}`) {
      state = Math.imul(state ^ letter.codePointAt(0), 0x01000193);
    }
    let kept = null;
    const uniform = () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
    const normal = () => {
      if (kept !== null) {
        const second = kept;
        kept = null;
        return second;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform())); // 1 − u is never 0
      const angle = 2 * Math.PI * uniform();
      kept = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    };
    const fill = (n, draw) => Float32Array.from({ length: n }, draw);
    return {
      uniform,
      normal,
      uniforms: (n) => fill(n, uniform),
      normals: (n) => fill(n, normal),
    };
  }

  // ------------------------------------------------------------------ data

  const turn = 2 * Math.PI;
  const ringCentres = Array.from({ length: 8 }, (_, k) => [
    Math.cos((turn * k) / 8), Math.sin((turn * k) / 8),
  ]);
  const gridCentres = Array.from({ length: 25 }, (_, k) => [
    2 * (Math.floor(k / 5) - 2), 2 * ((k % 5) - 2),
  ]);

  /** A place of the Swiss roll, u in [0, 1): Gulrajani et al.'s spiral of one and a half turns. */
  function rollPlace(u) {
    const t = Math.PI * (1.5 + 3 * u);
    return [(t * Math.cos(t)) / 7.5, (t * Math.sin(t)) / 7.5];
  }

  // The roll has no modes. Its parts are 20 equally likely pieces, 250 places in each.
  const ROLL_PLACES = 5000;
  const roll = Array.from({ length: ROLL_PLACES }, (_, k) => rollPlace((k + 0.5) / ROLL_PLACES));

  /** `found`: what is counted; `reach`: half the width of the picture. */
  const TARGETS = {
    ring: {
      name: "Ring of 8", centres: ringCentres, sigma: 0.01, reach: 1.7, found: "modes", parts: 8,
      place: (random) => ringCentres[Math.floor(8 * random.uniform())],
    },
    grid: {
      name: "Grid of 25", centres: gridCentres, sigma: 0.05, reach: 5.6, found: "modes", parts: 25,
      place: (random) => gridCentres[Math.floor(25 * random.uniform())],
    },
    roll: {
      name: "Swiss roll", centres: roll, sigma: 1 / 30, reach: 2.3, found: "parts", parts: 20,
      place: (random) => rollPlace(random.uniform()),
    },
  };

  /** `n` points of a target, [n, 2] row by row. */
  function sample(target, n, random) {
    const points = new Float32Array(2 * n);
    for (let i = 0; i < n; i += 1) {
      const place = target.place(random);
      points[2 * i] = place[0] + target.sigma * random.normal();
      points[2 * i + 1] = place[1] + target.sigma * random.normal();
    }
    return points;
  }

  /**
   * Modes found and share of high quality, as genlib.metrics.mode_report has them: a point counts
   * for its nearest centre if it lies within 3σ of it. On the roll the same with its places.
   * @param {Float32Array} points [n, 2]
   */
  function count(target, points) {
    const { centres, sigma, parts } = target;
    const hits = new Array(parts).fill(0);
    const near = (3 * sigma) ** 2;
    let good = 0;
    for (let i = 0; i < points.length; i += 2) {
      let best = Infinity, which = 0;
      for (let k = 0; k < centres.length; k += 1) {
        const far = (points[i] - centres[k][0]) ** 2 + (points[i + 1] - centres[k][1]) ** 2;
        if (far < best) [best, which] = [far, k];
      }
      if (best >= near) continue;
      hits[Math.floor((which * parts) / centres.length)] += 1;
      good += 1;
    }
    const found = hits.filter((n) => n > 0).length;
    return { found, parts, share: (2 * good) / points.length, hits };
  }

  genlib.ganData = { TARGETS, randomStream, sample, count };
})();
