// The face of the GAN laboratory: controls, pictures, numbers and their words. What a control does is
// gan-laboratory.js's.
//
// needs: controls.js gan-games.js gan-drawing.js gan-laboratory.css
"use strict";

(() => {
  const { genlib } = window;
  const { controls, games, ganDrawing: drawing } = genlib;
  const { element } = controls;

  const short = (value) => (value === 0 ? "0" : Number(value.toPrecision(2)).toString());
  const percent = (share) => `${controls.number(100 * share, share < 0.0995 ? 1 : 0)} %`;
  const whole = (value) => Math.round(value).toLocaleString("en");

  const RAISED = { "-": "⁻", ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].entries()) };

  /** A length that may be very small: three decimals, or its power of ten, such as 10⁻¹². */
  function size(value) {
    if (!(value > 0 && value < 1e-3)) return controls.number(value, value === 0 ? 0 : 3);
    const power = String(Math.round(Math.log10(value)));
    return `10${[...power].map((sign) => RAISED[sign]).join("")}`;
  }

  /**
   * What a run that broke may need, by what its game lets the reader set.
   * @param {{penalty?: number, clip?: number}} settings of the game
   */
  function remedy(settings) {
    const also = "penalty" in settings ? " or λ" : "clip" in settings ? " or the clipping" : "";
    return "The run has broken: its numbers are not finite any more. "
      + `Lower the learning rate${also}, then start again.`;
  }

  const choices = (table) => Object.entries(table).map(([key, { name }]) => [key, name]);

  /** The controls; `on` has what each of them does. */
  function inputs(asked, on) {
    const set = (key) => (value) => on.setting(key, value);
    const weight = { min: 0.01, log: true, step: 0.23, value: 0.1, format: short };
    const chosen = {
      target: controls.select({
        label: "Data", options: choices(games.TARGETS), value: asked.target,
        onChange: (value) => on.choice("target", value),
      }),
      game: controls.select({
        label: "Loss", options: choices(games.GAMES), value: asked.game,
        onChange: (value) => on.choice("game", value),
      }),
      seed: controls.slider({
        label: "Seed", min: 1, max: 20, step: 1, value: asked.seed, format: String,
        onInput: (value) => on.choice("seed", value),
      }),
    };
    const sliders = { // by the names that a run's settings have
      rate: controls.slider({
        label: "Learning rate", min: 1e-4, max: 1e-2, step: 0.115, log: true, value: 1e-3,
        format: short, onInput: set("rate"),
      }),
      moves: controls.slider({
        label: "Critic steps per round", min: 1, max: 10, step: 1, value: 1, format: String,
        onInput: set("moves"),
      }),
      penalty: controls.slider({
        ...weight, label: "Penalty weight λ", max: 100, onInput: set("penalty"),
      }),
      clip: controls.slider({ ...weight, label: "Clip weights at", max: 1, onInput: set("clip") }),
    };
    return { chosen, sliders };
  }

  /** What the marks in the picture mean. */
  function marks() {
    const mark = (look, text) => element("li", {},
      element("span", { class: look, "aria-hidden": "true" }), text);
    return element("ul", { class: "explorer-legend gan-key" },
      mark("gan-data", "data"), mark("gan-made", "generated"),
      mark("gan-push", "push on a generated point"), mark("gan-found", "mode found"));
  }

  /** The curves of a game, as the legend has them. */
  function lines(name, { wasserstein }) {
    const green = { color: "green" };
    if (name === "clipped") {
      return [{ label: "estimate of some multiple of the Wasserstein distance", ...green }];
    }
    if (wasserstein) return [{ label: "estimate of the Wasserstein distance", ...green }];
    return [{ label: "D's loss", ...green }, { label: "G's loss", color: "purple" }];
  }

  /**
   * Build the face in `stage`.
   * @param {HTMLElement} stage
   * @param {{target: string, game: string, seed: number}} asked what the run is made of
   * @param {object} on play(), step(), again(), choice(key, value), setting(key, value), and
   *   plane(surface), curves(surface), which draw
   */
  function ganPanel(stage, asked, on) {
    const { chosen, sliders } = inputs(asked, on);
    const play = controls.button({ label: "Play", primary: true, onClick: on.play });
    const once = controls.button({ label: "One step", onClick: on.step });
    const again = controls.button({ label: "Start again", onClick: on.again });
    const plane = controls.canvas({
      label: "", aspect: 1, minHeight: 200, maxHeight: 560, draw: on.plane,
    });
    const graph = controls.canvas({
      label: "", aspect: 1.7, minHeight: 150, maxHeight: 240, draw: on.curves,
    });
    const numbers = controls.readout({
      label: "The run so far",
      names: {
        step: "Step", speed: "Steps per second", found: "Modes found",
        share: "Points of high quality", outside: "Outside the picture", push: "Median push",
      },
    });
    const problem = element("p", { class: "gan-problem", role: "alert" });
    const bar = element("div", { "aria-hidden": "true" });
    const low = element("span"), high = element("span");
    const scale = element("div", { class: "gan-scale" }, low, bar, high);
    const key = marks(), live = controls.live();
    const legends = Object.entries(games.GAMES).map(([name, game]) =>
      [name, controls.legend(lines(name, game))]);
    const laboratory = element("div", { class: "gan-laboratory" },
      controls.row(play.element, once.element, again.element), problem,
      element("div", { class: "gan-bench" },
        element("div", { class: "gan-plane" }, plane.element, scale, key),
        element("div", {}, numbers.element, graph.element, ...legends.map(([, list]) => list))),
      controls.panel(chosen.target.element, chosen.game.element,
        ...Object.values(sliders).map((slider) => slider.element), chosen.seed.element),
      live.element);
    stage.append(laboratory);

    /** Show what belongs to the run's game and data. */
    function suit(run) {
      sliders.penalty.element.hidden = !("penalty" in run.game.settings);
      sliders.clip.element.hidden = !("clip" in run.game.settings);
      for (const [name, list] of legends) list.hidden = name !== asked.game;
      const modes = run.target.found === "modes";
      numbers.element.querySelectorAll("dt")[2].textContent =
        modes ? "Modes found" : "Parts of the roll found";
      key.lastElementChild.hidden = !modes;
    }

    /** What the ends of the colours stand for. */
    function ends(wasserstein, lowest, highest) {
      low.textContent = wasserstein ? `score ${controls.number(lowest, 2)}` : "generated";
      high.textContent = wasserstein ? controls.number(highest, 2) : "data";
    }

    /** The key's colours in the theme of now. */
    function dress() {
      const { vermilion, blue } = controls.palette();
      bar.style.background = drawing.scale();
      laboratory.style.setProperty("--gan-data", vermilion);
      laboratory.style.setProperty("--gan-made", blue);
    }
    genlib.onTheme(dress);
    dress();

    return {
      element: laboratory, sliders, play, plane, graph, numbers, live, suit, ends,
      /** @param {string} text why the run has ended; "" takes it back */
      problem: (text) => { problem.textContent = text; },
      colors: () => lines(asked.game, games.GAMES[asked.game])
        .map(({ color }) => controls.palette()[color]),
    };
  }

  Object.assign(genlib, { ganPanel, ganWords: { percent, whole, size, remedy } });
})();
