// Chapters 1 and 3: codes of two numbers as a map. Where the pointer is, the decoder draws.
//
// options: {"models": [one or two names]}; data: those networks, and `latent-map-codes` with the
// codes of test garments under each.
"use strict";

(() => {
  const genlib = window.genlib;
  // Five colours, each with two marks: ten classes that can be told apart without colour too.
  const COLOURS = ["blue", "vermilion", "green", "purple", "orange"];
  const MARK = 2.6; // half a mark's size in CSS pixels
  const GRID = 16; // pictures along a side where the map shows pictures

  /**
   * @typedef {{x: number[], y: number[], edge: number, prior: boolean, title: string}} Codes
   * @typedef {{labels: number[], classes: string[], models: Record<string, Codes>}} Data
   */

  /** The square in which a model's codes are shown: half of its side, and its middle. */
  function square({ x, y, prior }) {
    if (prior) return { middle: [0, 0], half: 3.7 };
    const [left, right] = [Math.min(...x), Math.max(...x)];
    const [low, high] = [Math.min(...y), Math.max(...y)];
    const half = 0.54 * Math.max(right - left, high - low);
    return { middle: [(left + right) / 2, (low + high) / 2], half };
  }

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

  /** One dot or cross. @param {CanvasRenderingContext2D} pen */
  function mark(pen, kind, x, y) {
    if (kind < COLOURS.length) {
      pen.moveTo(x + MARK, y);
      pen.arc(x, y, MARK, 0, 2 * Math.PI);
    } else {
      pen.moveTo(x - MARK, y - MARK), pen.lineTo(x + MARK, y + MARK);
      pen.moveTo(x - MARK, y + MARK), pen.lineTo(x + MARK, y - MARK);
    }
  }

  /** All codes of a class; faint ones where another class is looked at. */
  function drawClass(surface, frame, codes, labels, kind, faint) {
    const pen = surface.context;
    const color = genlib.controls.palette()[COLOURS[kind % COLOURS.length]];
    pen.beginPath();
    for (let i = 0; i < labels.length; i += 1) {
      if (labels[i] === kind) mark(pen, kind, frame.x(codes.x[i]), frame.y(codes.y[i]));
    }
    pen.globalAlpha = faint ? 0.12 : 0.6;
    pen.fillStyle = pen.strokeStyle = color;
    pen.lineWidth = 1.4;
    if (kind < COLOURS.length) pen.fill();
    else pen.stroke();
    pen.globalAlpha = 1;
  }

  /** A text with a rim in the page's colour, so that it reads on dots. */
  function onDots(surface, text, x, y) {
    const pen = surface.context;
    pen.font = `600 13px ${surface.theme.font}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const half = pen.measureText(text).width / 2 + 3;
    const at = Math.min(Math.max(x, half), surface.width - half);
    pen.lineJoin = "round";
    pen.lineWidth = 4;
    pen.strokeStyle = surface.theme.surface;
    pen.fillStyle = surface.theme.text;
    pen.strokeText(text, at, y);
    pen.fillText(text, at, y);
  }

  /** Names where their classes lie, pushed down where one would cover another. */
  function nameClasses(surface, frame, places, classes, chosen) {
    const put = [];
    const order = places.map((_, kind) => kind).sort((a, b) => places[b][1] - places[a][1]);
    for (const kind of order) {
      if (chosen !== null && kind !== chosen) continue;
      const [x, start] = [frame.x(places[kind][0]), frame.y(places[kind][1])];
      let y = start;
      for (const other of put) {
        if (Math.abs(other.x - x) < 70 && Math.abs(other.y - y) < 15) y = other.y + 15;
      }
      put.push({ x, y });
      onDots(surface, classes[kind], x, y);
    }
  }

  /** Circles that hold 39, 86 and 99 % of the draws from the prior. */
  function drawPrior(surface, frame) {
    const pen = surface.context;
    pen.strokeStyle = surface.theme.muted;
    pen.setLineDash([4, 4]);
    pen.lineWidth = 1;
    for (const radius of [1, 2, 3]) {
      pen.beginPath();
      pen.arc(frame.x(0), frame.y(0), frame.x(radius) - frame.x(0), 0, 2 * Math.PI);
      pen.stroke();
    }
    pen.setLineDash([]);
  }

  /**
   * The map as pictures: what the decoder draws at the middle of each square. A row for each call,
   * so that no frame of the page waits for all of them.
   *
   * @returns {{canvas: HTMLCanvasElement, more: () => boolean}} `more` paints; whether to go on
   */
  function pictureSheet(net, { middle, half }) {
    const [, height, width] = net.output;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [GRID * width, GRID * height];
    const pen = canvas.getContext("2d");
    const place = (i) => half * ((2 * i + 1) / GRID - 1);
    let row = 0;
    const more = () => {
      for (let column = 0; row < GRID && column < GRID; column += 1) {
        const values = net.run([middle[0] + place(column), middle[1] - place(row)]);
        pen.putImageData(genlib.picture(values, net.output), column * width, row * height);
      }
      row = Math.min(row + 1, GRID);
      return row < GRID;
    };
    return { canvas, more };
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
   * @param {{name: string, net: any, data: Data, figure: HTMLElement, view: any, live: any}} parts
   */
  function unit({ name, net, data, figure, view, live }) {
    const { controls } = genlib;
    const codes = data.models[name];
    const bounds = square(codes);
    const { middle, half } = bounds;
    const places = middles(codes, data.labels, data.classes.length);
    const code = [codes.x[0], codes.y[0]];
    let frame = null, sheet = null, at = nearest(codes, ...code);

    const surface = controls.canvas({
      label: `${codes.title}: codes of ${codes.x.length} test garments in the plane`,
      aspect: 1, minHeight: 240, maxHeight: 420, draw,
    });
    const image = genlib.screen("decoded here", net.output, "");
    const names = { code: "code", distance: "nearest code", where: "where" };
    if (codes.prior) names.prior = "prior";
    const said = controls.readout({ label: codes.title, names });
    const handle = controls.handle({
      surface, label: "Place on the map", color: surface.theme.text,
      onDrag: (place) => go(frame.xAt(place.x), frame.yAt(place.y)),
      onStep: (right, up) => go(code[0] + right * half / 50, code[1] + up * half / 50),
    });

    function draw() {
      const side = Math.min(surface.width, surface.height);
      const left = (surface.width - side) / 2;
      frame = controls.axes(surface, {
        x: [middle[0] - half, middle[0] + half], y: [middle[1] - half, middle[1] + half],
        xTicks: 5, yTicks: 5, box: { left, right: left + side },
      });
      if (view.pictures) {
        sheet ??= pictureSheet(net, bounds);
        if (sheet.more()) surface.redraw();
        surface.context.drawImage(sheet.canvas, frame.left, frame.top, frame.width, frame.height);
      } else {
        for (let kind = 0; kind < data.classes.length; kind += 1) {
          const faint = view.kind !== null && view.kind !== kind;
          drawClass(surface, frame, codes, data.labels, kind, faint);
        }
      }
      if (codes.prior) drawPrior(surface, frame);
      if (!view.pictures) nameClasses(surface, frame, places, data.classes, view.kind);
      const pen = surface.context;
      pen.strokeStyle = surface.theme.text;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.moveTo(frame.x(code[0]), frame.y(code[1]));
      pen.lineTo(frame.x(codes.x[at.index]), frame.y(codes.y[at.index]));
      pen.stroke();
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
    const made = controls.element("div", { class: "latent-unit" }, title, surface.element, under);
    const state = () => ({
      model: name, code: [...code], distance: at.distance, index: at.index,
      label: data.classes[data.labels[at.index]], hole: at.distance > codes.edge,
      words: said.text("where"),
    });
    return { element: made, state, go, answer, redraw: surface.redraw, net, surface };
  }

  genlib.define("latent-map", (stage, { data: loaded, options, figure }) => {
    const { controls } = genlib;
    const data = loaded["latent-map-codes"];
    const view = { kind: null, pictures: false };
    const live = controls.live();
    const units = options.models.map((name) => unit({
      name, net: genlib.network(loaded[name]), data, figure, view, live,
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
    const maps = controls.element(
      "div", { class: "latent-maps", "data-count": units.length },
      ...units.map((one) => one.element),
    );
    stage.append(controls.panel(kind.element, pictures.element), maps, live.element);
    units.forEach((one) => { one.redraw(); one.answer(); });
    const nets = Object.fromEntries(options.models.map((name, i) => [name, units[i].net]));
    return {
      decode: (name, z) => Array.from(nets[name].run(z)),
      state: () => ({ ...view, maps: units.map((one) => one.state()), said: live.text }),
      go: (index, a, b) => units[index].go(a, b),
    };
  });
})();
