// The GAN laboratory's mathematics: points, networks, losses, moves. It draws nothing.
//
// Derivatives are autodiff.js's: the derivative of a derivative too, which WGAN-GP's penalty asks
// for. Names and order are those of genlib: data/points.py, models/points.py,
// losses/adversarial.py, training/recipes. Tests hold losses, gradients and twenty rounds of
// training against PyTorch.
"use strict";

(() => {
  const genlib = (window.genlib = window.genlib || {});
  const {
    tensor, scope, grad, withoutRecord, adam, rmsprop, add, sub, mul, scale, shift, neg, square,
    sqrt, relu, softplus, sumTo, sum, mean, matmul,
  } = genlib.autodiff;

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

  // ------------------------------------------------------------------ networks

  const HIDDEN = 64;

  /**
   * First weights of a network 2-64-64-outputs, drawn as torch.nn.Linear does: evenly between
   * ±1/√inputs. [W₁, b₁, W₂, b₂, W₃, b₃], each W [inputs, outputs].
   * @returns {{shape: number[], values: Float32Array}[]}
   */
  function firstWeights(outputs, random) {
    const widths = [2, HIDDEN, HIDDEN, outputs];
    return widths.slice(1).flatMap((out, layer) => {
      const inputs = widths[layer], bound = 1 / Math.sqrt(inputs);
      const even = (n) => random.uniforms(n).map((u) => bound * (2 * u - 1));
      return [
        { shape: [inputs, out], values: even(inputs * out) },
        { shape: [out], values: even(out) },
      ];
    });
  }

  /** @returns {Tensor[]} */
  const tensors = (weights) => weights.map(({ shape, values }) =>
    tensor(values.slice(), ...(shape.length === 1 ? [1, shape[0]] : shape)));
  const rows = (values) => tensor(values, values.length / 2, 2);

  /** The network with these weights at x: [n, 2] -> [n, outputs]. For a judge, logits or scores. */
  function network([W1, b1, W2, b2, W3, b3], x) {
    const first = relu(add(matmul(x, W1), b1));
    const second = relu(add(matmul(first, W2), b2));
    return add(matmul(second, W3), b3);
  }

  // ------------------------------------------------------------------ losses

  /** ‖∇ judge(x)‖ of each point, [n, 2] -> [n, 1]; its gradient is 0, not NaN, where it is 0.
   *  Scores of different points do not mix, so the gradient of their sum holds each one's own. */
  function steepness(judge, x) {
    const [slope] = grad(sum(network(judge, x)), [x], { createGraph: true }); // [n, 2]
    return sqrt(sumTo(square(slope), x.rows, 1));
  }

  /** (‖∇ judge(x̂)‖ − 1)² at x̂ = ε x + (1 − ε) fake; x and fake [n, 2], ε [n, 1] -> [n, 1]. */
  function gradientPenalty(judge, x, fake, eps) {
    const between = add(mul(eps, x), mul(shift(neg(eps), 1), fake));
    return square(shift(steepness(judge, between), -1));
  }

  const logistic = (judge, x, fake) =>
    add(mean(softplus(neg(network(judge, x)))), mean(softplus(network(judge, fake))));
  const distance = (judge, x, fake) => sub(mean(network(judge, x)), mean(network(judge, fake)));

  const gan = {
    wasserstein: false,
    judge: (judge, x, fake) => {
      const loss = logistic(judge, x, fake);
      return [loss, loss];
    },
    optimiser: (weights) => adam(weights, { beta1: 0.5, beta2: 0.999 }),
    settings: { rate: 1e-3, moves: 1 },
  };

  /**
   * Each game: the judge's loss, of (judge, x, fake, ε, λ), and what the curve shows; the
   * generator's loss by a point's logit or score; the optimiser; and settings that go well.
   */
  const GAMES = {
    saturating: {
      ...gan, name: "GAN, saturating loss", persuade: (l) => neg(softplus(l)),
    },
    "non-saturating": {
      ...gan, name: "GAN, non-saturating loss", persuade: (l) => softplus(neg(l)),
    },
    clipped: {
      name: "WGAN, clipped weights", wasserstein: true, persuade: neg,
      judge: (judge, x, fake) => {
        const estimate = distance(judge, x, fake);
        return [neg(estimate), estimate];
      },
      optimiser: (weights) => rmsprop(weights, { alpha: 0.99 }),
      settings: { rate: 1e-3, moves: 5, clip: 0.1 },
    },
    "wgan-gp": {
      name: "WGAN-GP", wasserstein: true, persuade: neg,
      judge: (judge, x, fake, eps, weight) => {
        const penalty = mean(gradientPenalty(judge, x, fake, eps));
        const estimate = distance(judge, x, fake);
        return [sub(scale(penalty, weight), estimate), estimate];
      },
      optimiser: (weights) => adam(weights, { beta1: 0, beta2: 0.9 }),
      settings: { rate: 1e-3, moves: 5, penalty: 1 },
    },
  };

  // ------------------------------------------------------------------ a run

  const LOOK = 2500; // points that are counted, as in the papers
  const BATCH = 64;

  /**
   * One training run. Its moves: the judge's, as often as `settings.moves` says, then the
   * generator's, which improves the very points that the judge saw last.
   * @param {{target: string, game: string, seed: number, batch?: number, initial?: object,
   *   injected?: () => {x: Float32Array, z: Float32Array, eps: Float32Array}}} options
   *   `initial` and `injected` replace the first weights and the random numbers: for tests
   */
  function createRun({ target: targetName, game: gameName, seed, ...given }) {
    const { batch = BATCH, initial, injected } = given;
    const target = TARGETS[targetName], game = GAMES[gameName];
    const data = randomStream(seed, "data"), noise = randomStream(seed, "noise");
    const between = randomStream(seed, "between"), start = randomStream(seed, "weights");
    const settings = { rate: 1e-3, moves: 1, penalty: 0.1, clip: 0.1, ...game.settings };
    const first = initial ?? { generator: firstWeights(2, start), judge: firstWeights(1, start) };
    const generator = tensors(first.generator), judge = tensors(first.judge);
    const improveGenerator = game.optimiser(generator), improveJudge = game.optimiser(judge);
    let rounds = 0, moved = 0, lastNoise = null;
    let shown = NaN; // the judge's loss, or its estimate of the distance
    let persuasion = NaN; // the generator's loss

    const draw = injected ?? (() => ({
      x: sample(target, batch, data), z: noise.normals(2 * batch), eps: between.uniforms(batch),
    }));

    /** The judge's loss and what is shown, and its gradients. */
    function judgeGradients({ x, z, eps }) {
      const fake = withoutRecord(() => network(generator, rows(z)));
      const [loss, told] =
        game.judge(judge, rows(x), fake, tensor(eps, eps.length, 1), settings.penalty);
      return [loss.values[0], told.values[0], grad(loss, judge)];
    }

    function generatorGradients(z) {
      const loss = mean(game.persuade(network(judge, network(generator, rows(z)))));
      return [loss.values[0], grad(loss, generator)];
    }

    const moveJudge = () => scope(() => {
      const given = draw();
      const [, told, gradients] = judgeGradients(given);
      improveJudge(gradients, settings.rate);
      if (gameName === "clipped") clip(judge, settings.clip);
      [shown, lastNoise] = [told, given.z];
    });

    const moveGenerator = () => scope(() => {
      const [loss, gradients] = generatorGradients(lastNoise);
      improveGenerator(gradients, settings.rate);
      persuasion = loss;
      rounds += 1;
    });

    /** The next move; true if it was the generator's, and with it a round is finished. */
    function move() {
      if (moved < settings.moves) {
        moveJudge();
        moved += 1;
        return false;
      }
      moveGenerator();
      moved = 0;
      return true;
    }

    /** Moves until a round is finished. */
    function round() {
      while (!move());
    }

    const frozen = randomStream(seed, "look").normals(2 * LOOK);
    /** A network's values at points, as a copy without a record. */
    const at = (weights, x) =>
      withoutRecord(() => scope(() => network(weights, rows(x)).values.slice()));
    const plain = (list) => list.map(({ values }) => Array.from(values));

    return {
      target, game, settings, move, round,
      get rounds() { return rounds; },
      get told() { return { shown, persuasion }; },
      get finite() { return rounds === 0 || Number.isFinite(shown + persuasion); },
      /** The points made of the first n of the frozen noise. */
      points: (n = LOOK) => at(generator, frozen.subarray(0, 2 * n)),
      /** Modes and quality over 2,500 points of frozen noise. */
      report: () => count(target, at(generator, frozen)),
      real: (n) => sample(target, n, randomStream(seed, "shown")),
      scores: (x) => at(judge, x),
      /** What each point feels, −∂(its part of the generator's loss)/∂x: [n, 2] -> [n, 2]. */
      push: (x) => scope(() => {
        const place = rows(x);
        const [slope] = grad(sum(game.persuade(network(judge, place))), [place]);
        return slope.values.map((v) => -v);
      }),
      /** All weights as plain numbers. */
      weights: () => ({ judge: plain(judge), generator: plain(generator) }),
      /** Both losses and their gradients for a given batch, without a step. */
      gradients: (given) => scope(() => {
        const [loss, told, mine] = judgeGradients(given);
        const [persuaded, theirs] = generatorGradients(given.z);
        return {
          judge: { loss, shown: told, gradients: plain(mine) },
          generator: { loss: persuaded, gradients: plain(theirs) },
        };
      }),
    };
  }

  /** All weights into [−bound, bound]. */
  function clip(weights, bound) {
    for (const { values } of weights) {
      for (let i = 0; i < values.length; i += 1) {
        values[i] = Math.min(bound, Math.max(-bound, values[i]));
      }
    }
  }

  genlib.games = {
    TARGETS, GAMES, BATCH, randomStream, sample, count, firstWeights, tensors, network, steepness,
    createRun,
  };
})();
