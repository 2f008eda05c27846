// Chapter 3: a garment's code under sliders, one for each dimension of z; β chosen among models.
//
// data: `latent-sliders-codes`, and the network of the model to begin with. The networks of the
// other models are loaded when they are chosen.
//
// needs: controls.js network.js
"use strict";

(() => {
  const genlib = window.genlib;
  const SHAPE = [1, 28, 28];
  const REACH = 3; // standard deviations of the prior

  /**
   * @typedef {{name: string, beta: number, codes: number[][], kl: number[], active: number[],
   *   rate: number}} Model  codes: of the ten garments; kl: nats, of each dimension
   * @typedef {{classes: string[], images: string, models: Model[]}} Data
   */

  /** Dimensions by their KL, the largest first. @param {Model} model */
  const byRate = (model) => model.kl.map((_, k) => k).sort((a, b) => model.kl[b] - model.kl[a]);

  /** Mean squared difference of two pictures' pixels. */
  function difference(a, b) {
    let sum = 0;
    for (let i = 0; i < a.length; i += 1) sum += (a[i] - b[i]) ** 2;
    return sum / a.length;
  }

  /** A slider for one dimension, and under it a bar as long as its KL. */
  function dimension(model, k, most, onInput) {
    const { controls } = genlib;
    const used = model.active[k] === 1;
    const nats = `${controls.number(model.kl[k])} nats`;
    const furthest = Math.max(REACH, ...model.codes.map((code) => Math.abs(code[k])));
    const far = Math.ceil(10 * furthest) / 10; // wide enough for the garments' own codes
    const made = controls.slider({
      label: `z${k + 1}: ${used ? nats : "not used by this model"}`,
      min: -far, max: far, step: 0.05, value: 0, onInput,
    });
    const bar = controls.element("div", { class: "latent-bar", "aria-hidden": "true" });
    bar.style.setProperty("--latent-share", `${(100 * model.kl[k]) / most}%`);
    made.element.append(bar);
    made.element.classList.toggle("latent-unused", !used);
    return { ...made, k, used, get value() { return made.value; } };
  }

  genlib.define("latent-sliders", async (stage, { data: loaded, options, figure }) => {
    const { controls } = genlib;
    /** @type {Data} */
    const data = loaded["latent-sliders-codes"];
    const pixels = genlib.pixels(data.images);
    const size = pixels.length / data.classes.length;
    const nets = new Map();
    const most = Math.max(...data.models.flatMap((model) => model.kl));
    let model = data.models.find((one) => one.name === options.model) || data.models[0];
    let garment = 9, sliders = [], z = [];
    let drawn = false; // whether z was drawn from the prior, and not the garment's code moved

    async function fetched(name) {
      if (!nets.has(name)) nets.set(name, genlib.network(await genlib.data(name)));
      return nets.get(name);
    }

    const original = genlib.screen("original", SHAPE, "");
    const copy = genlib.screen("reconstruction", SHAPE, "The reconstruction from its own code");
    const moved = genlib.screen("moved", SHAPE, "What the decoder draws at the moved code");
    const live = controls.live();
    const note = controls.element("p", { class: "latent-note" });
    const box = controls.element("div");

    const draw = controls.answering(figure, () => {
      const net = nets.get(model.name);
      const start = pixels.subarray(garment * size, (garment + 1) * size);
      const own = net.run(model.codes[garment]);
      const now = net.run(z);
      original.show(start);
      copy.show(own);
      moved.show(now);
      moved.name(drawn ? "drawn from N(0, I)" : "moved");
      const change = controls.number(255 * Math.sqrt(difference(own, now)), 1);
      const name = data.classes[garment];
      original.say(`Original: ${name}`);
      const words = drawn ? "a picture of a code drawn from N(0, I)"
        : `the moved picture is ${change} grey levels of 255 from the reconstruction`;
      moved.say(`What the decoder draws: ${words}`);
      live.say(`${drawn ? "" : `${name}, `}β = ${model.beta}: ${words}`);
    });

    /** Put the sliders at a code. @param {number[]} code */
    function go(code) {
      z = [...code];
      for (const slider of sliders) slider.set(z[slider.k]);
      draw();
    }

    /** Back to the garment's own code. */
    function reset() {
      drawn = false;
      go(model.codes[garment]);
    }

    /** A code of the prior, for which no garment is needed: what the model itself would draw. */
    function sample() {
      drawn = true;
      go(z.map(() => Math.min(Math.max(genlib.normal(), -REACH), REACH)));
    }

    /** Sliders for the model of now, its strongest dimension first. */
    function build() {
      sliders = byRate(model).map((k) => dimension(model, k, most, (value) => {
        z[k] = value;
        drawn = false;
        draw();
      }));
      const used = sliders.filter((slider) => slider.used).length;
      const rate = controls.number(model.rate, 1);
      note.textContent = `β = ${model.beta}: the code carries ${rate} nats for each image; `
        + `${used} of ${sliders.length} dimensions are used.`;
      box.replaceChildren(controls.panel(...sliders.map((slider) => slider.element)));
      reset();
    }

    let wanted = model.name;
    async function choose(name) {
      wanted = name;
      note.textContent = "Loading the model.";
      try {
        await fetched(name);
      } catch (error) {
        note.textContent = `The model could not be loaded: ${error.message}. Choose another one.`;
        return;
      }
      if (wanted !== name) return; // another one was chosen meanwhile
      model = data.models.find((one) => one.name === name);
      build();
    }

    const which = controls.select({
      label: "Garment", value: String(garment),
      options: data.classes.map((name, i) => [String(i), name]),
      onChange: (value) => { garment = Number(value); reset(); },
    });
    const beta = controls.select({
      label: "β of the model", value: model.name,
      options: data.models.map((one) => [one.name, String(one.beta)]), onChange: choose,
    });
    const again = controls.button({ label: "Back to its own code", onClick: reset });
    const prior = controls.button({ label: "Draw z from N(0, I)", onClick: sample });
    const screens = controls.element(
      "div", { class: "latent-screens latent-follow" },
      original.element, copy.element, moved.element,
    );
    stage.append(
      controls.panel(which.element, beta.element), screens, note, box,
      controls.row(again.element, prior.element), live.element,
    );
    await choose(model.name);
    return {
      decode: async (name, code) => Array.from((await fetched(name)).run(code)),
      state: () => ({
        model: model.name, beta: model.beta, garment, drawn, z: [...z], loaded: [...nets.keys()],
        order: sliders.map((slider) => slider.k), used: sliders.map((slider) => slider.used),
        note: note.textContent, said: live.text,
      }),
    };
  });
})();
