// The GAN laboratory of chapters 4 and 5: a generator and a judge that train in the page.
//
// options: {"target": "ring" | "grid" | "roll", "seed": 1, "paused": true, "game": "saturating" |
// "non-saturating" | "clipped" | "wgan-gp"}. Training goes on in slices between frames, so that the
// page answers; it stands still while nobody can see it.
"use strict";

(() => {
  const { genlib } = window;
  const { controls, games, ganDrawing: drawing } = genlib;

  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("gan-laboratory.css", document.currentScript.src).href;
  document.head.append(style);

  const SLICE = 10; // milliseconds of training in a frame
  const SLOW = 60; // the first rounds come one in a frame, so that the beginning can be seen
  const DRAWN = 500; // generated points in the picture
  const PUSHED = 48; // of them have an arrow
  const SPOKEN = 5000; // milliseconds between two sentences for screen readers

  const whole = (value) => Math.round(value).toLocaleString("en");
  const short = (value) => (value === 0 ? "0" : Number(value.toPrecision(2)).toString());
  const percent = (share) => `${controls.number(100 * share, share < 0.0995 ? 1 : 0)} %`;

  function start(stage, { options, figure }) {
    const calm = controls.still();
    const asked = {
      target: options.target ?? "ring", game: options.game ?? "non-saturating",
      seed: options.seed ?? 1,
    };
    let run, real, places, curve; // of the run that goes on
    let seen = {}; // what the picture shows: points, pushes, tones, report
    let playing = false, visible = true, handle = 0;
    let drawnAt = 0, countedAt = 0, spokenAt = 0;
    let due = { round: false, look: false, count: false, speech: false }; // in the frames to come
    let pace = { at: 0, rounds: 0, value: 0 };

    // ---------------------------------------------------------------- controls

    const answer = (work) => genlib.answer(figure, work);
    const choices = (table) => Object.entries(table).map(([key, { name }]) => [key, name]);
    const target = controls.select({
      label: "Data", options: choices(games.TARGETS), value: asked.target,
      onChange: (value) => change("target", value),
    });
    const game = controls.select({
      label: "Loss", options: choices(games.GAMES), value: asked.game,
      onChange: (value) => change("game", value),
    });
    const set = (key) => (value) => answer(() => {
      run.settings[key] = value;
    });
    const sliders = {
      rate: controls.slider({
        label: "Learning rate", min: 1e-4, max: 1e-2, step: 0.115, log: true, value: 1e-3,
        format: short, onInput: set("rate"),
      }),
      moves: controls.slider({
        label: "Critic steps per round", min: 1, max: 10, step: 1, value: 1,
        format: (v) => String(v), onInput: set("moves"),
      }),
      penalty: controls.slider({
        label: "Penalty weight λ", min: 0.01, max: 100, step: 0.23, log: true, value: 0.1,
        format: short, onInput: set("penalty"),
      }),
      clip: controls.slider({
        label: "Clip weights at", min: 0.01, max: 1, step: 0.23, log: true, value: 0.1,
        format: short, onInput: set("clip"),
      }),
    };
    const seed = controls.slider({
      label: "Seed", min: 1, max: 20, step: 1, value: asked.seed, format: (v) => String(v),
      onInput: (value) => change("seed", value),
    });
    const play = controls.button({ label: "Play", primary: true, onClick: toggle });
    const once = controls.button({ label: "One step", onClick: oneStep });
    const again = controls.button({ label: "Start again", onClick: () => answer(restart) });

    /** Other data, another loss or another seed: a new run. */
    function change(key, value) {
      asked[key] = value;
      answer(restart);
    }

    // ---------------------------------------------------------------- what is shown

    const plane = controls.canvas({
      label: "", aspect: 1, minHeight: 200, maxHeight: 560, draw: drawPlane,
    });
    const graph = controls.canvas({
      label: "", aspect: 1.7, minHeight: 150, maxHeight: 240, draw: drawCurves,
    });
    const numbers = controls.readout({
      label: "The run so far",
      names: {
        step: "Step", speed: "Steps per second", found: "Modes found",
        share: "Points of high quality", push: "Median push",
      },
    });
    const live = controls.live();
    const problem = controls.element("p", { class: "gan-problem", role: "alert" });
    const bar = controls.element("div", { "aria-hidden": "true" });
    const low = controls.element("span"), high = controls.element("span");
    const scale = controls.element("div", { class: "gan-scale" }, low, bar, high);
    const left = controls.element("div", { class: "gan-plane" }, plane.element, scale);
    const right = controls.element("div", {}, numbers.element, graph.element);
    const mark = (look, text) => controls.element("li", {},
      controls.element("span", { class: look, "aria-hidden": "true" }), text);
    const marks = controls.element("ul", { class: "explorer-legend gan-key" },
      mark("gan-data", "data"), mark("gan-made", "generated"),
      mark("gan-push", "push on a generated point"), mark("gan-found", "mode found"));
    let key = controls.element("ul");
    right.append(key);

    const bench = controls.element("div", { class: "gan-bench" }, left, right);
    const laboratory = controls.element("div", { class: "gan-laboratory" },
      controls.row(play.element, once.element, again.element), problem, bench,
      controls.panel(target.element, game.element, sliders.rate.element, sliders.moves.element,
        sliders.penalty.element, sliders.clip.element, seed.element), live.element);
    left.append(marks);
    stage.append(laboratory);

    function lines() {
      const green = { color: "green" };
      if (asked.game === "clipped") {
        return [{ label: "estimate of some multiple of the Wasserstein distance", ...green }];
      }
      if (run.game.wasserstein) return [{ label: "estimate of the Wasserstein distance", ...green }];
      return [{ label: "D's loss", ...green }, { label: "G's loss", color: "purple" }];
    }

    function drawPlane(surface) {
      const { reach } = run.target, colors = controls.palette();
      drawing.field(surface, seen.tones);
      drawing.modes(surface, run.target, seen.report.hits, colors.vermilion);
      drawing.dots(surface, reach, real, colors.vermilion, 1.9);
      drawing.dots(surface, reach, seen.points, colors.blue, 1.7);
      drawing.arrows(surface, reach, seen.points, seen.pushes, surface.theme.text);
    }

    function drawCurves(surface) {
      const colors = lines().map(({ color }) => controls.palette()[color]);
      drawing.curves(surface, curve, run.game.wasserstein, colors);
    }

    /** Compute what the picture shows, and draw it. */
    function look() {
      const points = run.points(DRAWN), pushes = run.push(points.slice(0, 2 * PUSHED));
      const sizes = Array.from({ length: PUSHED }, (_, i) =>
        Math.hypot(pushes[2 * i], pushes[2 * i + 1])).sort((a, b) => a - b);
      seen = {
        ...seen, points, pushes, push: sizes[PUSHED >> 1],
        ...drawing.toned(run.scores(places), run.game.wasserstein),
      };
      plane.now();
      numbers.set("step", whole(run.rounds));
      numbers.set("speed", playing && pace.value ? whole(pace.value) : "–");
      numbers.set("push", seen.push < 5e-4 ? "below 0.001" : controls.number(seen.push, 3));
      const { wasserstein } = run.game;
      low.textContent = wasserstein ? `score ${controls.number(seen.low, 2)}` : "generated";
      high.textContent = wasserstein ? controls.number(seen.high, 2) : "data";
    }

    /** Count the modes and draw the curves: less often, and in a frame of its own. */
    function count() {
      seen.report = run.report();
      graph.now();
      const { found, parts, share } = seen.report, { shown, persuasion } = run.told;
      numbers.set("found", `${found} of ${parts}`);
      numbers.set("share", percent(share));
      plane.label(`The plane with the data (${run.target.name}), generated points and the `
        + `${run.game.wasserstein ? "critic's score" : "discriminator's belief"} in colour. `
        + sentence());
      graph.label(run.game.wasserstein
        ? `Curve of the critic's estimate, now ${controls.number(shown)}.`
        : `Curves of both losses: D ${controls.number(shown)}, G ${controls.number(persuasion)}.`);
      if (due.speech || performance.now() - spokenAt > SPOKEN) {
        spokenAt = performance.now();
        due.speech = false;
        live.say(sentence());
      }
    }

    function sentence() {
      const { found, parts, share } = seen.report;
      return `Step ${whole(run.rounds)}: ${found} of ${parts} ${run.target.found}, `
        + `${percent(share)} of the points of high quality.`;
    }

    /** The key's colours in the theme of now. */
    function dress() {
      const { vermilion, blue } = controls.palette();
      bar.style.background = drawing.scale();
      laboratory.style.setProperty("--gan-data", vermilion);
      laboratory.style.setProperty("--gan-made", blue);
    }

    // ---------------------------------------------------------------- time

    function restart() {
      const before = run?.game;
      run = games.createRun(asked);
      const { settings } = run;
      for (const [name, slider] of Object.entries(sliders)) {
        // What belongs to a game comes with it; what the reader has set stays.
        if (before === run.game) settings[name] = slider.value;
        else slider.set(settings[name]);
      }
      sliders.penalty.element.hidden = asked.game !== "wgan-gp";
      sliders.clip.element.hidden = asked.game !== "clipped";
      numbers.element.querySelectorAll("dt")[2].textContent =
        run.target.found === "modes" ? "Modes found" : "Parts of the roll found";
      marks.lastElementChild.hidden = run.target.found !== "modes";
      real = run.real(400);
      places = drawing.lattice(run.target.reach);
      curve = drawing.longCurve();
      pace = { at: 0, rounds: 0, value: 0 };
      problem.textContent = "";
      dress();
      const fresh = controls.legend(lines());
      key.replaceWith(fresh);
      key = fresh;
      seen.report = { found: 0, parts: run.target.parts, share: 0, hits: [] };
      look();
      ask();
    }

    function finished() {
      const { shown, persuasion } = run.told;
      if (run.finite) {
        curve.add(shown, persuasion);
        return true;
      }
      pause();
      problem.textContent = "The numbers have left the finite ones. "
        + "Lower the learning rate or the penalty weight and start again.";
      return false;
    }

    /** Moves of the players until the slice is used up. */
    function train() {
      const end = performance.now() + SLICE;
      do {
        if (!run.move()) continue;
        if (!finished() || !playing || (!calm && run.rounds < SLOW)) {
          if (due.round) due = { round: false, look: true, count: true, speech: true };
          return;
        }
      } while (performance.now() < end);
    }

    function measurePace(now) {
      if (!pace.at || now - pace.at > 5000) pace = { ...pace, at: now, rounds: run.rounds };
      if (now - pace.at < 1000) return;
      pace = {
        at: now, rounds: run.rounds, value: (1000 * (run.rounds - pace.rounds)) / (now - pace.at),
      };
    }

    /** One frame: train, then draw or count, never both. */
    function turn(now) {
      handle = 0;
      if (!visible) return;
      if (playing || due.round) train();
      if (playing) measurePace(now);
      if (due.count || (playing && now - countedAt > (calm ? 2000 : 350) && !due.look)) {
        countedAt = now;
        due.count = false;
        answer(count);
      } else if (due.look || (playing && now - drawnAt > (calm ? 1000 : 50))) {
        drawnAt = now;
        due.look = false;
        answer(look);
      }
      go();
    }

    /** Ask for the next frame, if there is something to do. */
    function go() {
      const busy = playing || due.round || due.look || due.count;
      if (!handle && busy && visible && stage.isConnected) handle = requestAnimationFrame(turn);
    }

    /** Draw and count in the frames to come, and say how the run stands. */
    function ask() {
      due = { ...due, look: true, count: true, speech: true };
      go();
    }

    function pause() {
      playing = false;
      pace = { at: 0, rounds: 0, value: 0 };
      play.set("Play");
    }

    function toggle() {
      answer(() => {
        if (playing) {
          pause();
          ask();
        } else {
          playing = true;
          play.set("Pause");
          go();
        }
      });
    }

    function oneStep() {
      answer(() => {
        pause();
        due.round = true;
        go();
      });
    }

    // Nothing is computed for a picture that nobody sees.
    let inView = true;
    function watch() {
      visible = inView && !document.hidden;
      pace.at = 0;
      go();
    }
    new IntersectionObserver((entries) => {
      inView = entries.at(-1).isIntersecting;
      watch();
    }).observe(laboratory);
    document.addEventListener("visibilitychange", watch);
    genlib.onTheme(dress);

    restart();
    if (!calm && !options.paused) toggle();

    return {
      state: () => ({
        ...asked, playing, visible, step: run.rounds, settings: { ...run.settings },
        report: { ...seen.report }, told: run.told, push: seen.push, said: live.text,
        speed: pace.value, points: Array.from(seen.points),
      }),
      run: () => run,
    };
  }

  genlib.define("gan-laboratory", start);
})();
