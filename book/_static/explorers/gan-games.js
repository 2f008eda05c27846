// The GAN laboratory's mathematics: networks, losses, moves. It draws nothing.
//
// Derivatives are autodiff.js's: the derivative of a derivative too, which WGAN-GP's penalty asks
// for. Names and order are those of genlib: models/points.py, losses/adversarial.py,
// training/recipes. Tests hold losses, gradients and twenty rounds of training against PyTorch.
//
// needs: autodiff.js optimisers.js gan-data.js
"use strict";

(() => {
  const genlib = (window.genlib = window.genlib || {});
  const {
    tensor, scope, grad, withoutRecord, add, sub, mul, scale, shift, neg, square, sqrt, relu,
    softplus, sumTo, sum, mean, matmul,
  } = genlib.autodiff;
  const { adam, rmsprop } = genlib.optimisers;
  const { TARGETS, randomStream, sample, count } = genlib.ganData;

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
      /** Whether losses and weights are numbers still; after the first round. */
      get finite() {
        return Number.isFinite(shown + persuasion + total(judge) + total(generator));
      },
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

  /** The median length of pushes, [n, 2]. */
  function medianPush(pushes) {
    const sizes = Array.from({ length: pushes.length / 2 }, (_, i) =>
      Math.hypot(pushes[2 * i], pushes[2 * i + 1])).sort((a, b) => a - b);
    return sizes[sizes.length >> 1];
  }

  /** The sum of all weights: a number, unless one of them is none. */
  function total(weights) {
    let all = 0;
    for (const { values } of weights) {
      for (let i = 0; i < values.length; i += 1) all += values[i];
    }
    return all;
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
    TARGETS, GAMES, BATCH, firstWeights, tensors, network, steepness, medianPush,
    createRun,
  };
})();
