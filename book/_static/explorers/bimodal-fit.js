// One normal density fitted to a target with two bumps, by gradient descent in the page: forward KL
// covers both bumps, reverse KL takes one, and which one depends on the start.
//
// needs: controls.js densities.js bimodal-descent.js
"use strict";

(() => {
  const { controls, densities } = window.genlib;
  const { number } = controls;
  const { STEPS, GRID, mixture, logTarget, measure, begin, advance } = window.genlib.descent;
  const TARGET = { separation: 5, w: 0.6, sigma1: 0.6, sigma2: 0.7 };
  const START = { mu: -1, sigma: 1 };
  const LIMITS = { mu: [-5, 5], sigma: [0.3, 3.5] };
  const VIEW = { x: [-7, 7], sigma: [0, 4.5] };
  const WALK = 2, RUN = 60; // steps in a frame: of Play, and of the jump to the end
  const TOPS = [0.8, 1.4, 2]; // of the densities' axis: the least that holds all of them
  const GUTTER = 40;
  const FITS = {
    forward: { name: "forward KL(p‖q)", color: "blue", dash: [] },
    reverse: { name: "reverse KL(q‖p)", color: "vermilion", dash: [7, 4] },
    js: { name: "Jensen–Shannon", color: "green", dash: [2, 3] },
  };
  const clamp = (value, [low, high]) => Math.min(high, Math.max(low, value));

  function start(stage, { options, figure }) {
    let target = { ...TARGET, ...options.target }, from = { ...START, ...options.start };
    let logP = logTarget(target), fits = {}, plane = null;
    let pace = WALK, top = TOPS[0];
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
      help: "Drag it, or use the arrow keys: left and right its centre, up and down its width.",
      onDrag: (place) => setStart(fromPlace(place)),
      onStep: (right, up) => setStart({ mu: from.mu + 0.1 * right, sigma: from.sigma + 0.1 * up }),
    });
    controls.drag(surface.canvas, {
      surface,
      start: (place, { pointerType }) => {
        if (place.y < plane.top || place.y > plane.bottom) return false;
        // A finger may be about to scroll the page, and must not take the fits away.
        if (pointerType !== "touch") setStart(fromPlace(place));
        return true;
      },
      move: (place) => setStart(fromPlace(place)),
      end: (place, { type }) => { if (type === "pointerup") setStart(fromPlace(place)); },
    });
    const play = controls.transport({
      onStep: () => go(play.playing ? pace : 1), onReset: reset, onChange: turned,
    });
    const jump = controls.button({
      label: "Jump to the end", onClick: () => {
        if (finished()) return;
        pace = RUN; // not all steps at once: the page would not answer in the meantime
        play.play();
      },
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
      columns: { // where there is little room, a heading breaks at its space of no width
        mu: "μ", sigma: "σ", forward: "KL\u200b(p‖q)", reverse: "KL\u200b(q‖p)", js: "JS",
      },
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

    function fromPlace({ x, y }) {
      return { mu: plane.xAt(x), sigma: plane.yAt(y) };
    }

    function begun() {
      fits = Object.fromEntries(Object.keys(FITS).map((kind) => [kind, begin(from)]));
    }

    function reset() {
      begun();
      change();
    }

    /** Play after the end begins anew; a pause says where the fits stand. */
    function turned(playing) {
      if (playing && finished()) begun();
      if (playing) return;
      pace = WALK;
      live.say(describe());
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
      const digits = stage.clientWidth > 500 ? 3 : 2;
      const rows = new Map(ends().map((end) => [end.kind, end]));
      rows.set("moments", densities.moments(mixture(target)));
      for (const kind of [...Object.keys(FITS), "moments"]) {
        const row = rows.get(kind);
        table.show(kind, row !== undefined);
        if (!row) continue;
        table.set(kind, "mu", number(row.mu, digits));
        table.set(kind, "sigma", number(row.sigma, digits));
        const found = measure(logP, row.mu, row.sigma);
        for (const [column, value] of Object.entries(found)) {
          table.set(kind, column, number(value, digits));
        }
      }
      const arrived = finished() && stepOf() < STEPS ? ", arrived" : "";
      table.caption(`Where the fits stand: step ${stepOf()} of at most ${STEPS}${arrived}`);
      handle.set(`Start of q: centre ${number(from.mu)}, width ${number(from.sigma)}`);
      surface.label(describe());
      if (!play.playing || finished()) live.say(describe());
      surface.now();
    }

    function describe() {
      const found = ends().map(({ kind, mu, sigma }) => (
        `${FITS[kind].name}: centre ${number(mu)}, width ${number(sigma)}`
      ));
      const bumps = mixture(target).mu.map((mu) => number(mu)).join(" and ");
      return `${[`Step ${stepOf()}`, `Target with bumps at ${bumps}`, ...found].join(". ")}.`;
    }

    function draw() {
      const middle = Math.round(0.52 * surface.height);
      drawDensities(middle);
      drawPlane(middle);
    }

    function drawDensities(bottom) {
      const p = logP.map(Math.exp);
      const drawn = ends().map(({ kind, mu, sigma }) => (
        { kind, ys: GRID.map((x) => Math.exp(densities.logNormal(x, mu, sigma))) }
      ));
      const peak = Math.max(...[p, ...drawn.map(({ ys }) => ys)].map((ys) => Math.max(...ys)));
      top = TOPS.find((limit) => limit >= peak) ?? peak;
      const frame = controls.axes(surface, {
        x: VIEW.x, y: [0, top],
        yLabel: `density, step ${stepOf()}`, xTicks: 7, yTicks: 3,
        gutter: GUTTER, box: { bottom },
      });
      controls.area(surface, frame, GRID, p, { color: "grey", alpha: 0.45 });
      for (const { kind, ys } of drawn) {
        controls.line(surface, frame, GRID, ys, { ...FITS[kind], width: 2.5 });
      }
    }

    /** The paths of (μ, σ), under the densities and on the same axis of x. */
    function drawPlane(top) {
      plane = controls.axes(surface, {
        x: VIEW.x, y: VIEW.sigma, yLabel: "σ of q over its μ", xTicks: 7, yTicks: [0, 1, 2, 3, 4],
        gutter: GUTTER, box: { top },
      });
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
        handle: handle.place, said: live.text, top,
      }),
    };
  }

  window.genlib.define("bimodal-fit", start);
})();
