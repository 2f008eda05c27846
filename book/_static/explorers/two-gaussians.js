// Two normal densities p and q: drag them, and see both KLs, Jensen–Shannon and the integrand.
//
// needs: controls.js densities.js
"use strict";

(() => {
  const { controls, densities } = window.genlib;
  const { number } = controls;
  const START = { muP: -1, sigmaP: 0.8, muQ: 1.5, sigmaQ: 1.6 };
  const MU = { low: -5, high: 5 }, SIGMA = { low: 0.45, high: 3 };
  const VIEW = { x: [-8, 8], y: [0, 0.95] };
  const PEAK = 1 / Math.sqrt(2 * Math.PI); // height of a normal density, times its σ
  const LADDER = [1, 1.5, 2, 3, 5, 7.5, 10]; // limits of the integrand's axis, times powers of ten
  const LEAST = 0.05; // of those limits: where p and q agree the integrand is 0
  const GUTTER = 40; // pixels left of all three axes, so that they stand under each other
  const SHOWN = {
    forward: "KL(p‖q): p log(p/q)",
    reverse: "KL(q‖p): q log(q/p)",
    js: "JS: ½ KL(p‖m) + ½ KL(q‖m)",
  };
  const YLABEL = {
    forward: "p log(p/q)", reverse: "q log(q/p)", js: "½ p log(p/m) + ½ q log(q/m)",
  };

  const clamp = (value, { low, high }) => Math.min(high, Math.max(low, value));

  /** The parameters within the sliders' limits. */
  function tidy(given) {
    return {
      muP: clamp(given.muP, MU), sigmaP: clamp(given.sigmaP, SIGMA),
      muQ: clamp(given.muQ, MU), sigmaQ: clamp(given.sigmaQ, SIGMA),
    };
  }

  /**
   * All divergences of two normals, nats: closed forms, and integrals over nine σ to either side.
   * @param {{muP: number, sigmaP: number, muQ: number, sigmaQ: number}} at
   */
  function measure({ muP, sigmaP, muQ, sigmaQ }) {
    const low = Math.min(muP - 9 * sigmaP, muQ - 9 * sigmaQ);
    const high = Math.max(muP + 9 * sigmaP, muQ + 9 * sigmaQ);
    const xs = densities.grid(low, high, 1601);
    const logP = xs.map((x) => densities.logNormal(x, muP, sigmaP));
    const logQ = xs.map((x) => densities.logNormal(x, muQ, sigmaQ));
    const integrals = {}, positive = {};
    for (const [name, integrand] of Object.entries(densities.INTEGRANDS)) {
      const values = xs.map((_, i) => integrand(logP[i], logQ[i]));
      integrals[name] = densities.integral(xs, (i) => values[i]);
      positive[name] = densities.integral(xs, (i) => Math.max(0, values[i]));
    }
    const closed = {
      forward: densities.klNormal(muP, sigmaP, muQ, sigmaQ),
      reverse: densities.klNormal(muQ, sigmaQ, muP, sigmaP),
    };
    return { closed, integrals, positive };
  }

  /** The smallest of a few round limits that holds `value`, so that the axis does not tremble. */
  function limit(value) {
    const least = Math.max(LEAST, value), power = 10 ** Math.floor(Math.log10(least));
    return power * (LADDER.find((step) => step * power >= least) ?? 10);
  }

  /** Three digits of a number where there is little room. */
  const brief = (value) => number(value, value >= 99.5 ? 0 : value >= 9.95 ? 1 : 2);

  function start(stage, { options, figure }) {
    let at = tidy({ ...START, ...options.start });
    let integrand = SHOWN[options.integrand] ? options.integrand : "forward";
    let bits = false, found = measure(at), frame = null, taken = null;
    const unit = () => (bits ? { name: "bits", size: Math.LN2 } : { name: "nats", size: 1 });
    const xs = densities.grid(VIEW.x[0], VIEW.x[1], 481);

    const surface = controls.canvas({
      label: "Two normal densities and the integrand of a divergence between them",
      aspect: 1.45, minHeight: 400, maxHeight: 480, draw,
    });
    const handles = {
      P: makeHandle("P", "p", "blue"), Q: makeHandle("Q", "q", "vermilion"),
    };
    const sliders = {
      muP: makeSlider("muP", "μ₁, centre of p", MU), sigmaP: makeSlider("sigmaP", "σ₁, width of p"),
      muQ: makeSlider("muQ", "μ₂, centre of q", MU), sigmaQ: makeSlider("sigmaQ", "σ₂, width of q"),
    };
    const kind = controls.select({
      label: "Shaded below", options: Object.entries(SHOWN), value: integrand,
      onChange: (value) => { integrand = value; change(); },
    });
    const inBits = controls.checkbox({
      label: `in bits (1 nat = ${number(1 / Math.LN2)} bits)`,
      onChange: (value) => { bits = value; change(); },
    });
    const swap = controls.button({
      label: "Swap p and q",
      onClick: () => set({ muP: at.muQ, sigmaP: at.sigmaQ, muQ: at.muP, sigmaQ: at.sigmaP }),
    });
    const again = controls.button({
      label: "Start again", onClick: () => set({ ...START, ...options.start }),
    });
    const table = controls.table({
      label: "Divergences between p and q",
      columns: { closed: "closed form", integral: "integral" },
      rows: { forward: "KL(p‖q)", reverse: "KL(q‖p)", js: "JS" },
    });
    const parts = controls.element("p", { class: "explorer-line" });
    const live = controls.live();
    const legend = controls.legend([
      { label: "p", color: "blue" },
      { label: "q", color: "vermilion", dash: [7, 4] },
      { label: "adds to the integral", color: "green", pattern: "lines" },
      { label: "takes away from it", color: "purple", pattern: "dots" },
    ]);
    stage.append(
      surface.element, legend, parts,
      controls.panel(...Object.values(sliders).map((slider) => slider.element)),
      controls.panel(kind.element, inBits.element),
      controls.row(swap.element, again.element), table.element, live.element,
    );
    const change = controls.answering(figure, update);
    update();

    function makeSlider(name, label, range) {
      const limits = range
        ? { min: range.low, max: range.high, step: 0.05 }
        : { min: SIGMA.low, max: SIGMA.high, step: 0.02, log: true };
      return controls.slider({
        label, ...limits, value: at[name], onInput: (value) => set({ [name]: value }),
      });
    }

    function makeHandle(which, text, color) {
      const mu = `mu${which}`, sigma = `sigma${which}`;
      return controls.handle({
        surface, text, color, label: text,
        help: "Drag it, or use the arrow keys: left and right its centre, up and down its height.",
        onDrag: (place) => set(fromPlace(which, place)),
        onStep: (right, up) => set({
          [mu]: at[mu] + 0.1 * right, [sigma]: at[sigma] * 1.05 ** -up,
        }),
      });
    }

    /** Centre and width of the density whose top is at a place of the canvas. */
    function fromPlace(which, { x, y }) {
      const height = Math.max(frame.yAt(y), PEAK / SIGMA.high);
      return { [`mu${which}`]: frame.xAt(x), [`sigma${which}`]: PEAK / height };
    }

    /** @param {Object<string, number>} given any of muP, sigmaP, muQ, sigmaQ */
    function set(given) {
      at = tidy({ ...at, ...given });
      change();
    }

    function update() {
      found = measure(at);
      for (const [name, slider] of Object.entries(sliders)) slider.set(at[name]);
      const { name, size } = unit();
      for (const key of ["forward", "reverse", "js"]) {
        table.set(key, "integral", number(found.integrals[key] / size, 4));
        table.set(key, "closed", key === "js" ? "none" : number(found.closed[key] / size, 4));
      }
      table.head(`in ${name}`);
      const whole = found.integrals[integrand] / size, plus = found.positive[integrand] / size;
      parts.textContent = `Area above zero ${number(plus, 3)}, below ${number(whole - plus, 3)}: `
        + `together ${number(whole, 3)} ${name}.`
        + (integrand === "js" ? " Here m = ½(p + q)." : "");
      surface.label(`${describe()}. Below them the integrand of ${SHOWN[integrand]}.`);
      for (const [which, text] of [["P", "p"], ["Q", "q"]]) {
        const centre = number(at[`mu${which}`]), width = number(at[`sigma${which}`]);
        handles[which].set(`${text}: centre ${centre}, width ${width}`);
      }
      live.say(`KL from p to q ${number(found.closed.forward / size)}, `
        + `KL from q to p ${number(found.closed.reverse / size)}, `
        + `Jensen–Shannon ${number(found.integrals.js / size)} ${name}.`);
      surface.now();
    }

    function describe() {
      return `Two normal densities: p with centre ${number(at.muP)} and width `
        + `${number(at.sigmaP)}, q with centre ${number(at.muQ)} and width ${number(at.sigmaQ)}`;
    }

    function draw() {
      const strip = surface.height - 62, middle = 22 + Math.round(0.5 * (strip - 22));
      drawNumbers();
      drawDensities(22, middle);
      drawIntegrand(middle, strip);
      drawBound(strip);
    }

    /** The three numbers over the picture, as in the titles of the chapter's figures. */
    function drawNumbers() {
      const { name, size } = unit(), { closed, integrals } = found;
      const say = (show, gap) => [
        `KL(p‖q) ${show(closed.forward / size)}`, `KL(q‖p) ${show(closed.reverse / size)}`,
        `JS ${show(integrals.js / size)}`,
      ].join(gap);
      const texts = [`${say((value) => number(value, 3), "     ")}  ${name}`, say(number, "  ")];
      const text = controls.fitting(surface, [...texts, say(brief, "  ")], surface.width - 4, true);
      controls.note(surface, text, 2, 10, { bold: true });
    }

    function drawDensities(top, bottom) {
      frame = controls.axes(surface, {
        x: VIEW.x, y: VIEW.y, yLabel: "density", xTicks: 8, yTicks: [0, 0.4, 0.8],
        gutter: GUTTER, box: { top, bottom },
      });
      const looks = [["P", "blue", []], ["Q", "vermilion", [7, 4]]];
      for (const [which, color, dash] of looks) {
        const mu = at[`mu${which}`], sigma = at[`sigma${which}`];
        const ys = xs.map((x) => Math.exp(densities.logNormal(x, mu, sigma)));
        controls.area(surface, frame, xs, ys, { color, alpha: 0.12 });
        controls.line(surface, frame, xs, ys, { color, dash, width: 2.5 });
        handles[which].moveTo(frame.x(mu), frame.y(PEAK / sigma));
      }
    }

    function drawIntegrand(top, bottom) {
      const { name, size } = unit(), f = densities.INTEGRANDS[integrand];
      const ys = xs.map((x) => f(
        densities.logNormal(x, at.muP, at.sigmaP), densities.logNormal(x, at.muQ, at.sigmaQ),
      ) / size);
      const high = limit(1.1 * Math.max(...ys)), low = Math.min(...ys);
      const short = `${YLABEL[integrand]}, ${name}`;
      const box = controls.axes(surface, {
        x: VIEW.x, y: [low < -0.002 * high ? -limit(Math.max(-1.1 * low, 0.08 * high)) : 0, high],
        yTicks: 3, xTicks: 8,
        yLabel: controls.fitting(surface, [`${short} per unit of x`, short], surface.width),
        gutter: GUTTER,
        box: { top, bottom },
      });
      const above = ys.map((y) => Math.max(0, y)), below = ys.map((y) => Math.min(0, y));
      controls.area(surface, box, xs, above, { color: "green", pattern: "lines" });
      controls.area(surface, box, xs, below, { color: "purple", pattern: "dots" });
      controls.rule(surface, box, { y: 0 }, { color: surface.theme.muted, dash: [] });
      controls.line(surface, box, xs, ys, { color: "black", width: 1.5 });
    }

    /** Jensen–Shannon on its way to its bound. */
    function drawBound(top) {
      const { name, size } = unit(), bound = Math.LN2 / size, js = found.integrals.js / size;
      const box = controls.axes(surface, {
        x: [0, 1.12 * bound], y: [0, 1], yTicks: [], xTicks: 6, yLabel: `JS, ${name}`,
        gutter: GUTTER, box: { top },
      });
      const ends = [0, js];
      controls.area(surface, box, ends, [1, 1], { color: "sky", alpha: 0.75 });
      controls.rule(surface, box, { x: bound }, { color: "black", dash: [] });
      const names = bits ? ["log 2 = 1 bit", "1 bit"] : ["log 2"];
      const text = controls.fitting(surface, names, 2 * (surface.width - box.x(bound)));
      controls.note(surface, text, box.x(bound), box.top - 4,
        { color: "black", align: "center", baseline: "bottom" });
    }

    // A bump can be taken anywhere, not only at its handle.
    controls.drag(surface.canvas, {
      surface,
      start: (place) => {
        if (place.y > frame.bottom || place.y < frame.top) return false;
        const x = frame.xAt(place.x);
        const p = densities.logNormal(x, at.muP, at.sigmaP);
        const which = p > densities.logNormal(x, at.muQ, at.sigmaQ) ? "P" : "Q";
        const { place: handle } = handles[which];
        taken = { which, dx: handle.x - place.x, dy: handle.y - place.y };
        return true;
      },
      move: ({ x, y }) => set(fromPlace(taken.which, { x: x + taken.dx, y: y + taken.dy })),
    });

    return {
      measure,
      set,
      state: () => ({
        ...at, integrand, bits, ...found,
        handles: { p: handles.P.place, q: handles.Q.place }, said: live.text,
      }),
    };
  }

  window.genlib.define("two-gaussians", start);
})();
