// One normal density fitted to a target with two bumps, by gradient descent in the page: forward KL
// covers both bumps, reverse KL takes one, and which one depends on the start.
"use strict";

(() => {
  const { controls, densities } = window.genlib;
  const { number } = controls;
  const TARGET = { separation: 5, w: 0.6, sigma1: 0.6, sigma2: 0.7 };
  const START = { mu: -1, sigma: 1 };
  const LIMITS = { mu: [-5, 5], sigma: [0.3, 3.5] };
  // Adam's rate is the chapter's; far starts have huge slopes, and 0.99 forgets them in time.
  const STEPS = 1000, RATE = 0.05, BETA1 = 0.9, BETA2 = 0.99, STILL = 1e-7;
  const GRID = densities.grid(-20, 20, 801); // q must not have its mass beyond it
  const VIEW = { x: [-7, 7], y: [0, 0.8], sigma: [0, 4.2] };
  const GUTTER = 40;
  const FITS = {
    forward: { name: "forward KL(p‖q)", color: "blue", dash: [] },
    reverse: { name: "reverse KL(q‖p)", color: "vermilion", dash: [7, 4] },
    js: { name: "Jensen–Shannon", color: "green", dash: [2, 3] },
  };
  // Derivative of the integrand with respect to q(x), times q(x): what weighs the score of q.
  const WEIGHTS = {
    forward: (logP) => -Math.exp(logP),
    reverse: (logP, logQ) => Math.exp(logQ) * (logQ - logP + 1),
    js: (logP, logQ) => 0.5 * Math.exp(logQ) * (logQ - densities.logSum(logP, logQ) + Math.LN2),
  };

  const clamp = (value, [low, high]) => Math.min(high, Math.max(low, value));

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

  function start(stage, { options, figure }) {
    let target = { ...TARGET, ...options.target }, from = { ...START, ...options.start };
    let logP = logTarget(target), fits = {}, frames = null;
    const chosen = { forward: true, reverse: true, js: false };
    const kinds = () => Object.keys(FITS).filter((kind) => chosen[kind]);
    const finished = () => kinds().every((kind) => fits[kind].done);
    const stepOf = () => Math.max(0, ...kinds().map((kind) => fits[kind].step));

    const surface = controls.canvas({
      label: "A target with two bumps and the normal densities fitted to it",
      aspect: 1.5, minHeight: 400, maxHeight: 470, draw,
    });
    const handle = controls.handle({
      surface, label: "start", text: "q", color: "black",
      onDrag: ({ x, y }) => setStart(fromPlace(x, y)),
      onStep: (right, up) => setStart({ mu: from.mu + 0.1 * right, sigma: from.sigma + 0.1 * up }),
    });
    controls.drag(surface.canvas, {
      surface,
      start: ({ x, y }) => {
        if (y < frames.plane.top || y > frames.plane.bottom) return false;
        setStart(fromPlace(x, y));
        return true;
      },
      move: ({ x, y }) => setStart(fromPlace(x, y)),
    });
    const play = controls.transport({
      onStep: () => go(play.playing ? 2 : 1), onReset: reset,
    });
    const jump = controls.button({
      label: "Jump to the end", onClick: () => { play.pause(); go(STEPS); },
    });
    play.element.append(jump.element);
    const switches = Object.entries(FITS).map(([kind, { name }]) => controls.checkbox({
      label: name, value: chosen[kind],
      onChange: (value) => { chosen[kind] = value; catchUp(kind); },
    }));
    const legend = controls.legend([
      { label: "target p", color: "grey", filled: true },
      ...Object.values(FITS).map(({ name, ...look }) => ({ label: `q by ${name}`, ...look })),
      { label: "mean and standard deviation of p", color: "purple", dash: [6, 2, 2, 2] },
    ]);
    const aim = {
      separation: aimSlider("separation", "distance of the bumps", 1, 8, 0.1),
      w: aimSlider("w", "weight of the left one", 0.05, 0.95, 0.01),
      sigma1: aimSlider("sigma1", "width of the left one", 0.4, 1.5, 0.02),
      sigma2: aimSlider("sigma2", "width of the right one", 0.4, 1.5, 0.02),
    };
    const where = {
      mu: startSlider("mu", "μ, centre", 0.1), sigma: startSlider("sigma", "σ, width", 0.05),
    };
    const table = controls.table({
      label: "Where the fits stand",
      columns: { mu: "μ", sigma: "σ", forward: "KL(p‖q)", reverse: "KL(q‖p)", js: "JS" },
      rows: {
        forward: "forward", reverse: "reverse", js: "Jensen–Shannon", moments: "mean, std of p",
      },
    });
    table.head("nats");
    const live = controls.live();
    stage.append(
      surface.element, play.element, legend,
      controls.group("Fit by", ...switches.map((one) => one.element)),
      controls.group("Start of q", where.mu.element, where.sigma.element),
      controls.group("Target p", ...Object.values(aim).map((slider) => slider.element)),
      table.element, live.element,
    );
    const change = controls.answering(figure, update);
    begun();
    update();

    function aimSlider(name, label, min, max, step) {
      return controls.slider({
        label, min, max, step, value: target[name],
        onInput: (value) => set({ target: { [name]: value } }),
      });
    }

    function startSlider(name, label, step) {
      const [min, max] = LIMITS[name];
      return controls.slider({
        label, min, max, step, value: from[name], onInput: (value) => setStart({ [name]: value }),
      });
    }

    function fromPlace(x, y) {
      return { mu: frames.plane.xAt(x), sigma: frames.plane.yAt(y) };
    }

    function begun() {
      fits = Object.fromEntries(Object.keys(FITS).map((kind) => [kind, begin(from)]));
    }

    function reset() {
      begun();
      change();
    }

    /** @param {{mu?: number, sigma?: number}} given */
    function setStart(given) {
      set({ start: given });
    }

    /** @param {{target?: Object<string, number>, start?: Object<string, number>}} given */
    function set(given) {
      play.pause();
      target = { ...target, ...given.target };
      from = { ...from, ...given.start };
      from = { mu: clamp(from.mu, LIMITS.mu), sigma: clamp(from.sigma, LIMITS.sigma) };
      if (given.target) logP = logTarget(target);
      reset();
    }

    /** A divergence that is chosen late starts where the others did, and catches up. */
    function catchUp(kind) {
      const others = kinds().filter((other) => other !== kind);
      const ahead = Math.max(0, ...others.map((other) => fits[other].step));
      window.genlib.answer(figure, () => {
        while (chosen[kind] && fits[kind].step < ahead && !fits[kind].done) {
          advance(fits[kind], kind, logP);
        }
      });
      change();
    }

    /** Some steps of all chosen fits; false when all have arrived. */
    function go(steps) {
      window.genlib.answer(figure, () => {
        for (let i = 0; i < steps && !finished(); i += 1) {
          for (const kind of kinds()) advance(fits[kind], kind, logP);
        }
        update();
      });
      return !finished();
    }

    /** Where the chosen fits stand now. */
    function ends() {
      return kinds().map((kind) => (
        { kind, mu: fits[kind].at[0], sigma: Math.exp(fits[kind].at[1]) }
      ));
    }

    function update() {
      for (const [name, slider] of Object.entries(aim)) slider.set(target[name]);
      for (const [name, slider] of Object.entries(where)) slider.set(from[name]);
      const rows = new Map(ends().map((end) => [end.kind, end]));
      rows.set("moments", densities.moments(mixture(target)));
      for (const kind of [...Object.keys(FITS), "moments"]) {
        const row = rows.get(kind);
        table.show(kind, row !== undefined);
        if (!row) continue;
        table.set(kind, "mu", number(row.mu, 3));
        table.set(kind, "sigma", number(row.sigma, 3));
        const found = measure(logP, row.mu, row.sigma);
        for (const column of Object.keys(found)) table.set(kind, column, number(found[column], 3));
      }
      table.caption(`Where the fits stand: step ${stepOf()} of at most ${STEPS}`);
      handle.set(`Start of q: centre ${number(from.mu)}, width ${number(from.sigma)}. Drag it, or `
        + "use the arrow keys: left and right its centre, up and down its width.");
      surface.label(describe());
      if (!play.playing || finished()) live.say(describe());
      surface.now();
    }

    function describe() {
      const found = ends().map(({ kind, mu, sigma }) => (
        `${FITS[kind].name}: centre ${number(mu)}, width ${number(sigma)}`
      ));
      const bumps = mixture(target).mu.map((mu) => number(mu));
      return `Step ${stepOf()}. Target with bumps at ${bumps.join(" and ")}. ${found.join(". ")}.`;
    }

    function draw() {
      const middle = Math.round(0.52 * surface.height);
      frames = { plane: null };
      drawDensities(middle);
      drawPlane(middle);
    }

    function drawDensities(bottom) {
      const frame = controls.axes(surface, {
        x: VIEW.x, y: VIEW.y, yLabel: `density, step ${stepOf()}`, xTicks: 7, yTicks: [0, 0.4, 0.8],
        gutter: GUTTER, box: { bottom },
      });
      controls.area(surface, frame, GRID, logP.map(Math.exp), { color: "grey", alpha: 0.45 });
      for (const { kind, mu, sigma } of ends()) {
        const ys = GRID.map((x) => Math.exp(densities.logNormal(x, mu, sigma)));
        controls.line(surface, frame, GRID, ys, { ...FITS[kind], width: 2.5 });
      }
    }

    /** The paths of (μ, σ), under the densities and on the same axis of x. */
    function drawPlane(top) {
      const plane = controls.axes(surface, {
        x: VIEW.x, y: VIEW.sigma, yLabel: "σ of q over its μ", xTicks: 7, yTicks: [0, 1, 2, 3, 4],
        gutter: GUTTER, box: { top },
      });
      frames.plane = plane;
      const { mu, sigma } = densities.moments(mixture(target)), look = { dash: [6, 2, 2, 2] };
      controls.rule(surface, plane, { x: mu }, { color: "purple", ...look });
      controls.rule(surface, plane, { y: sigma }, { color: "purple", ...look });
      for (const kind of kinds()) {
        const { path, at } = fits[kind], { color, dash } = FITS[kind];
        const xs = path.map((point) => point[0]), ys = path.map((point) => Math.exp(point[1]));
        controls.line(surface, plane, xs, ys, { color, dash, width: 2 });
        controls.points(surface, plane, [at[0]], [Math.exp(at[1])], { color, radius: 5 });
      }
      handle.moveTo(plane.x(from.mu), plane.y(from.sigma));
    }

    return {
      set,
      go,
      measure: (given, mu, sigma) => measure(logTarget(given), mu, sigma),
      path: (kind) => fits[kind].path,
      state: () => ({
        target, start: from, chosen: { ...chosen }, step: stepOf(), done: finished(),
        playing: play.playing, moments: densities.moments(mixture(target)),
        fits: Object.fromEntries(ends().map((end) => [end.kind, end])),
        handle: handle.place, said: live.text,
      }),
    };
  }

  window.genlib.define("bimodal-fit", start);
})();
