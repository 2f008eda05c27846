// Chapters 1 and 3: codes of two numbers as a map. Where the pointer is, the decoder draws.
//
// options: {"models": [one or two names]}; data: those networks, and `latent-map-codes` with the
// codes of test garments under each.
//
// needs: controls.js network.js latent-map-drawing.js
"use strict";

(() => {
  const genlib = window.genlib;
  const DRAWS = 12; // codes that the button draws at once

  /**
   * @typedef {{x: number[], y: number[], edge: number, prior: boolean, title: string,
   *   bounds: number[]}} Codes  bounds: left, right, low and high of its map, a square
   * @typedef {{labels: number[], classes: string[], models: Record<string, Codes>}} Data
   */

  /** The nearest code to (a, b): which, and how far. @param {Codes} codes */
  function nearest(codes, a, b) {
    let best = 0, least = Infinity;
    for (let i = 0; i < codes.x.length; i += 1) {
      const far = (codes.x[i] - a) ** 2 + (codes.y[i] - b) ** 2;
      if (far < least) [best, least] = [i, far];
    }
    return { index: best, distance: Math.sqrt(least) };
  }

  /** The middle of each class: the medians of its codes. */
  function middles(codes, labels, count) {
    const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
    return Array.from({ length: count }, (_, kind) => {
      const of = (values) => median(values.filter((_, i) => labels[i] === kind));
      return [of(codes.x), of(codes.y)];
    });
  }

  /** In words: how near the codes are, and what that means. */
  function verdict(codes, distance) {
    if (distance <= codes.edge / 3) return "among codes";
    if (distance <= codes.edge) return "at the rim of the codes";
    return "in a hole: 99 in 100 test garments lie nearer to a dot";
  }

  /** Of draws from N(0, I), what share lies further out: exp(−r²/2) in the plane. */
  function further(a, b) {
    const share = Math.exp(-(a * a + b * b) / 2);
    if (share >= 0.01) return `${Math.round(100 * share)} in 100 draws lie further out`;
    return "less than 1 in 100 draws lies further out";
  }

  /**
   * One map with its picture.
   *
   * @param {{name: string, net: any, data: Data, figure: HTMLElement, view: any, live: any,
   *   prior: boolean}} parts  prior: whether codes can be drawn from N(0, I)
   */
  function unit({ name, net, data, figure, view, live, prior }) {
    const { controls, latentDrawing: drawing } = genlib;
    const codes = data.models[name];
    const [left, right, low, high] = codes.bounds;
    const [middle, half] = [[(left + right) / 2, (low + high) / 2], (right - left) / 2];
    const places = middles(codes, data.labels, data.classes.length);
    const code = [codes.x[0], codes.y[0]];
    const drawHoles = drawing.holes(codes);
    const drawn = { all: 0, holes: 0, last: [] };
    let frame = null, sheet = null, at = nearest(codes, ...code);

    const surface = controls.canvas({
      label: `${codes.title}: codes of ${codes.x.length} test garments in the plane`,
      aspect: 1, minHeight: 240, maxHeight: 420, draw,
    });
    const image = genlib.screen("decoded here", net.output, "");
    const strip = drawing.strip(net, DRAWS, "drawn from N(0, I); framed: from holes");
    const names = { code: "code", distance: "nearest code", where: "where" };
    if (codes.prior) names.prior = "prior";
    if (prior) names.draws = "draws in holes";
    const said = controls.readout({ label: codes.title, names });
    const handle = controls.handle({
      surface, label: "Place on the map", color: surface.theme.text,
      onDrag: (place) => go(frame.xAt(place.x), frame.yAt(place.y)),
      onStep: (right, up) => go(code[0] + right * half / 50, code[1] + up * half / 50),
    });

    function draw() {
      const { pictures, kind: chosen } = view;
      const side = Math.min(surface.width, surface.height);
      const edge = (surface.width - side) / 2;
      frame = controls.axes(surface, {
        x: [left, right], y: [low, high], xTicks: 5, yTicks: 5,
        box: { left: edge, right: edge + side },
      });
      if (pictures) {
        sheet ??= drawing.pictureSheet(net, { middle, half });
        if (sheet.more()) surface.redraw();
        surface.context.drawImage(sheet.canvas, frame.left, frame.top, frame.width, frame.height);
      }
      drawHoles(surface, frame, pictures);
      if (!pictures) {
        for (let kind = 0; kind < data.classes.length; kind += 1) {
          const faint = chosen !== null && chosen !== kind;
          drawing.drawClass(surface, frame, codes, data.labels, kind, faint);
        }
      }
      if (codes.prior) drawing.drawPrior(surface, frame, pictures);
      if (!pictures) drawing.nameClasses(surface, frame, places, data.classes, chosen);
      drawing.drawDraws(surface, frame, drawn.last.map((one) => one.code), pictures);
      drawing.stroked(surface, pictures, 2, surface.theme.text, (pen) => {
        pen.moveTo(frame.x(code[0]), frame.y(code[1]));
        pen.lineTo(frame.x(codes.x[at.index]), frame.y(codes.y[at.index]));
      });
      handle.element.classList.toggle("latent-on-pictures", pictures);
      handle.element.style.setProperty("--explorer-handle", surface.theme.text);
      handle.moveTo(frame.x(code[0]), frame.y(code[1]));
    }

    const answer = controls.answering(figure, () => {
      image.show(net.run(code));
      at = nearest(codes, ...code);
      const found = data.classes[data.labels[at.index]];
      const words = verdict(codes, at.distance);
      const place = code.map((value) => controls.number(value)).join(", ");
      said.set("code", place);
      said.set("distance", `${controls.number(at.distance)} away, ${found}`);
      said.set("where", words);
      if (codes.prior) said.set("prior", further(...code));
      if (prior) said.set("draws", drawn.all ? `${drawn.holes} of ${drawn.all}` : "none drawn yet");
      image.say(`What the decoder draws at ${place}`);
      handle.set(`Place on the map: ${place}`);
      live.say(`${codes.title}, ${place}: ${words}, nearest ${found}`);
      surface.now();
    });

    function go(a, b) {
      const within = (value, i) => Math.min(Math.max(value, middle[i] - half), middle[i] + half);
      [code[0], code[1]] = [within(a, 0), within(b, 1)];
      answer();
    }

    /** Mark these codes, show what is decoded there, and count the holes. */
    function take(latest) {
      drawn.last = latest.map((one) => (
        { code: one, hole: nearest(codes, ...one).distance > codes.edge }
      ));
      const holes = drawn.last.filter((one) => one.hole).length;
      drawn.all += latest.length;
      drawn.holes += holes;
      strip.show(drawn.last);
      strip.say(`${latest.length} pictures of codes drawn from N(0, I), ${holes} from holes`);
      said.set("draws", `${drawn.holes} of ${drawn.all}`);
      surface.now();
      return `${codes.title}: ${holes} of ${latest.length} draws in holes`;
    }

    const follow = (place) => frame && go(frame.xAt(place.x), frame.yAt(place.y));
    controls.drag(surface.canvas, { surface, start: follow, move: follow });
    // A mouse need not be pressed: what lies under it is drawn.
    surface.element.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "mouse" || event.buttons) return;
      const box = surface.canvas.getBoundingClientRect();
      follow({ x: event.clientX - box.left, y: event.clientY - box.top });
    });

    const title = controls.element("div", { class: "latent-title", text: codes.title });
    const under = controls.element("div", { class: "latent-under" }, image.element, said.element);
    const made = controls.element(
      "div", { class: "latent-unit" }, title, surface.element, strip.element, under,
    );
    const state = () => ({
      model: name, code: [...code], distance: at.distance, index: at.index,
      label: data.classes[data.labels[at.index]], hole: at.distance > codes.edge,
      words: said.text("where"), drawn: { ...drawn, last: drawn.last.map((one) => one.code) },
    });
    const placeOf = (a, b) => ({ x: frame.x(a), y: frame.y(b) });
    return {
      element: made, state, go, take, placeOf, answer, redraw: surface.redraw, net, surface,
    };
  }

  genlib.define("latent-map", (stage, { data: loaded, options, figure }) => {
    const { controls } = genlib;
    const data = loaded["latent-map-codes"];
    const view = { kind: null, pictures: false };
    const live = controls.live();
    const prior = options.models.some((name) => data.models[name].prior);
    const units = options.models.map((name) => unit({
      name, net: genlib.network(loaded[name]), data, figure, view, live, prior,
    }));
    const redraw = controls.answering(figure, () => units.forEach((one) => one.surface.now()));
    const every = [["", "all classes"], ...data.classes.map((text, i) => [String(i), text])];
    const kind = controls.select({
      label: "Bring out", options: every,
      onChange: (value) => { view.kind = value === "" ? null : Number(value); redraw(); },
    });
    const pictures = controls.checkbox({
      label: "Decoded pictures in place of the dots",
      onChange: (value) => { view.pictures = value; redraw(); },
    });
    const press = controls.answering(figure, () => {
      const latest = Array.from({ length: DRAWS }, () => [genlib.normal(), genlib.normal()]);
      live.say(units.map((one) => one.take(latest)).join("; "));
    });
    const draws = controls.button({ label: `Draw ${DRAWS} codes from N(0, I)`, onClick: press });
    const legend = controls.legend([
      { label: "striped, or outside the line on pictures: a hole, no code is near", color: "grey",
        pattern: "lines" },
    ]);
    const maps = controls.element(
      "div", { class: "latent-maps", "data-count": units.length },
      ...units.map((one) => one.element),
    );
    stage.append(
      controls.panel(kind.element, pictures.element), ...(prior ? [draws.element] : []), legend,
      maps, live.element,
    );
    units.forEach((one) => { one.redraw(); one.answer(); });
    const nets = Object.fromEntries(options.models.map((name, i) => [name, units[i].net]));
    return {
      decode: (name, z) => Array.from(nets[name].run(z)),
      state: () => ({ ...view, maps: units.map((one) => one.state()), said: live.text }),
      go: (index, a, b) => units[index].go(a, b),
      place: (index, a, b) => units[index].placeOf(a, b), // in CSS pixels of the map
    };
  });
})();
