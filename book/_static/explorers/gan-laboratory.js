// The GAN laboratory of chapters 4 and 5: a generator and a judge that train in the page.
//
// options: {"target": "ring" | "grid" | "roll", "seed": 1, "paused": true, "game": "saturating" |
// "non-saturating" | "clipped" | "wgan-gp"}. Training goes on in slices between frames, so that the
// page answers; it stands still while nobody can see it.
//
// needs: controls.js gan-games.js gan-drawing.js gan-panel.js
"use strict";

(() => {
  const { genlib } = window;
  const { controls, games, ganDrawing: drawing, ganPanel, ganWords: words } = genlib;

  const SLICE = 10; // milliseconds of training in a frame
  const SLOW = 60; // the first rounds come one in a frame, so that the beginning can be seen
  const DRAWN = 500; // generated points in the picture
  const PUSHED = 48; // of them have an arrow
  const SPOKEN = 5000; // milliseconds between two sentences for screen readers
  const QUIET = { round: false, look: false, count: false, speech: false };

  function start(stage, { options, figure }) {
    const calm = controls.still();
    const asked = {
      target: options.target ?? "ring", game: options.game ?? "non-saturating",
      seed: options.seed ?? 1,
    };
    let run, real, places, curve; // of the run that goes on
    let seen = {}; // what the picture shows: points, pushes, tones, report
    let playing = false, inView = true, visible = true, handle = 0;
    let drawnAt = 0, countedAt = 0, spokenAt = 0;
    let due = QUIET; // in the frames to come
    let pace = { at: 0, rounds: 0, value: 0 };

    const answer = (work) => genlib.answer(figure, work);
    const panel = ganPanel(stage, asked, {
      play: () => answer(toggle),
      step: () => answer(oneStep),
      again: () => answer(restart),
      choice: (key, value) => { // other data, another loss or another seed: a new run
        asked[key] = value;
        answer(restart);
      },
      setting: (key, value) => answer(() => { run.settings[key] = value; }),
      plane: drawPlane,
      curves: (surface) => drawing.curves(surface, curve, run.game.wasserstein, panel.colors()),
    });

    // ---------------------------------------------------------------- what is shown

    function drawPlane(surface) {
      const { reach } = run.target, colors = controls.palette();
      drawing.field(surface, seen.tones);
      drawing.modes(surface, run.target, seen.report.hits, colors.vermilion);
      drawing.dots(surface, reach, real, colors.vermilion, 1.9);
      drawing.dots(surface, reach, seen.points, colors.blue, 1.7);
      drawing.arrows(surface, reach, seen.points, seen.pushes, surface.theme.text);
    }

    /** Compute what the picture shows, and draw it. */
    function look() {
      const points = run.points(DRAWN), pushes = run.push(points.slice(0, 2 * PUSHED));
      const { wasserstein } = run.game;
      seen = {
        ...seen, points, pushes, push: games.medianPush(pushes), outside: outside(points),
        ...drawing.toned(run.scores(places), wasserstein),
      };
      panel.plane.now();
      panel.numbers.set("step", words.whole(run.rounds));
      panel.numbers.set("speed", playing && pace.value ? words.whole(pace.value) : "–");
      panel.numbers.set("outside", words.percent(seen.outside));
      panel.numbers.set("push", words.size(seen.push));
      panel.ends(wasserstein, seen.low, seen.high);
    }

    /** The share of points that the picture cannot show. */
    function outside(points) {
      let away = 0;
      for (let i = 0; i < points.length; i += 2) {
        away += Math.max(Math.abs(points[i]), Math.abs(points[i + 1])) > run.target.reach;
      }
      return (2 * away) / points.length;
    }

    /** Count the modes and draw the curves: less often, and in a frame of its own. */
    function count() {
      seen.report = run.report();
      panel.graph.now();
      if (!playing) panel.plane.now(); // the circles; while it plays the next look draws them
      const { found, parts, share } = seen.report, { shown, persuasion } = run.told;
      const { wasserstein } = run.game;
      panel.numbers.set("found", `${found} of ${parts}`);
      panel.numbers.set("share", words.percent(share));
      panel.plane.label(`The plane with the data (${run.target.name}), generated points and the `
        + `${wasserstein ? "critic's score" : "discriminator's belief"} in colour. ${sentence()}`);
      panel.graph.label(wasserstein
        ? `Curve of the critic's estimate, now ${controls.number(shown)}.`
        : `Curves of both losses: D ${controls.number(shown)}, G ${controls.number(persuasion)}.`);
      if (due.speech || performance.now() - spokenAt > SPOKEN) {
        spokenAt = performance.now();
        due = { ...due, speech: false };
        panel.live.say(sentence());
      }
    }

    function sentence() {
      const { found, parts, share } = seen.report;
      const away = seen.outside > 0.5 ? "Most points are outside the picture." : "";
      return `Step ${words.whole(run.rounds)}: ${found} of ${parts} ${run.target.found}, `
        + `${words.percent(share)} of the points of high quality, `
        + `median push ${words.size(seen.push)}. ${away}`.trim();
    }

    // ---------------------------------------------------------------- time

    function restart() {
      const before = run?.game.settings;
      run = games.createRun(asked);
      const { settings } = run;
      for (const [name, slider] of Object.entries(panel.sliders)) {
        // What the reader has set stays, unless the new loss goes well with other settings.
        if (before === run.game.settings) settings[name] = slider.value;
        else slider.set(settings[name]);
      }
      real = run.real(400);
      places = drawing.lattice(run.target.reach);
      curve = drawing.longCurve();
      pace = { at: 0, rounds: 0, value: 0 };
      seen.report = { found: 0, parts: run.target.parts, share: 0, hits: [] };
      panel.problem("");
      panel.suit(run);
      look();
      ask();
    }

    /** After a round: its losses to the curve; a run whose numbers broke ends, and says so. */
    function finished() {
      if (run.finite) {
        curve.add(run.told.shown, run.told.persuasion);
        return true;
      }
      pause();
      due = QUIET; // the picture stays as it was: there is nothing that could be drawn
      panel.problem(words.remedy(run.game.settings));
      return false;
    }

    /** Moves of the players until the slice is used up. */
    function train() {
      const end = performance.now() + SLICE;
      do {
        if (!run.move()) continue;
        if (!finished()) return;
        if (due.round) due = { round: false, look: true, count: true, speech: true };
        if (!playing || (!calm && run.rounds < SLOW)) return;
      } while (performance.now() < end);
    }

    function measurePace(now) {
      if (!pace.at || now - pace.at > 5000) pace = { ...pace, at: now, rounds: run.rounds };
      if (now - pace.at < 1000) return;
      pace = {
        at: now, rounds: run.rounds, value: (1000 * (run.rounds - pace.rounds)) / (now - pace.at),
      };
    }

    /** One frame: train, then look or count, never both. What is due is looked at first, for the
     *  sentence of the count speaks of it. */
    function turn(now) {
      handle = 0;
      if (!visible) return;
      if (playing || due.round) train();
      if (playing) measurePace(now);
      const ago = (then, often, seldom) => playing && now - then > (calm ? seldom : often);
      if (due.look || (!due.count && !ago(countedAt, 350, 2000) && ago(drawnAt, 50, 1000))) {
        drawnAt = now;
        due = { ...due, look: false };
        answer(look);
      } else if (due.count || ago(countedAt, 350, 2000)) {
        countedAt = now;
        due = { ...due, count: false };
        answer(count);
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
      panel.play.set("Play");
    }

    function toggle() {
      if (playing) {
        pause();
        ask();
      } else {
        playing = true;
        panel.play.set("Pause");
        go();
      }
    }

    function oneStep() {
      pause();
      due = { ...due, round: true };
      go();
    }

    // Nothing is computed for a picture that nobody sees.
    function watch() {
      visible = inView && !document.hidden;
      pace.at = 0;
      go();
    }
    new IntersectionObserver((entries) => {
      inView = entries.at(-1).isIntersecting;
      watch();
    }).observe(panel.element);
    document.addEventListener("visibilitychange", watch);

    restart();
    if (!calm && !options.paused) toggle();

    return {
      state: () => ({
        ...asked, playing, visible, idle: handle === 0, step: run.rounds,
        settings: { ...run.settings }, report: { ...seen.report }, told: run.told,
        push: seen.push, outside: seen.outside, said: panel.live.text, speed: pace.value,
        points: Array.from(seen.points),
      }),
      run: () => run,
    };
  }

  genlib.define("gan-laboratory", start);
})();
