// Chapter 6: latent arithmetic. A face's code, plus so much of each attribute's direction.
//
// data: `face-attributes-codes` and the decoder `vae-gan-faces`.
"use strict";

(() => {
  const genlib = window.genlib;
  const [LEAST, MOST] = [-2, 3]; // times a direction

  /**
   * @typedef {{words: string, image: string, code: number[]}} Face  image: a data URL
   * @typedef {{name: string, direction: number[], random: number[], added: number,
   *   byRandom: number, n: number}} Change  added: share of n faces in which one step works
   * @typedef {{faces: Face[], changes: Change[]}} Data
   */

  const length = (v) => Math.hypot(...v);
  const hundredths = (share) => String(Math.round(100 * share));

  /** All faces as images, ready to be drawn. @param {Face[]} faces */
  async function decoded(faces) {
    return Promise.all(faces.map(async (face) => {
      const image = new Image();
      image.src = face.image;
      await image.decode();
      return image;
    }));
  }

  /** A row of buttons with faces on them, one of them pressed. */
  function chooser(faces, onChoose) {
    const { controls } = genlib;
    const buttons = faces.map((face, i) => {
      const image = controls.element("img", { src: face.image, alt: "", width: 64, height: 64 });
      return controls.element("button", {
        type: "button", class: "latent-face", "aria-label": `Face ${i + 1}: ${face.words}`,
        onclick: () => { press(i); onChoose(i); },
      }, image);
    });
    function press(chosen) {
      buttons.forEach((one, i) => one.setAttribute("aria-pressed", String(i === chosen)));
    }
    press(0);
    return controls.element(
      "div", { class: "latent-faces", role: "group", "aria-label": "Choose a face" }, ...buttons,
    );
  }

  genlib.define("face-attributes", async (stage, { data: loaded, options, figure }) => {
    const { controls } = genlib;
    /** @type {Data} */
    const data = loaded["face-attributes-codes"];
    const name = options.model || "vae-gan-faces";
    const net = genlib.network(loaded[name]);
    const images = await decoded(data.faces);
    const live = controls.live();
    const original = genlib.screen("original", net.output, "");
    const copy = genlib.screen("copy", net.output, "The copy: its code, decoded");
    const moved = genlib.screen("moved", net.output, "");
    const note = controls.element("p", { class: "latent-note" });
    let face = 0, random = false;
    const steps = data.changes.map(() => 0);

    /** z + Σ t · v, and how long the way to it is. */
    function target() {
      const { code } = data.faces[face];
      const way = code.map(() => 0);
      data.changes.forEach((change, i) => {
        const v = random ? change.random : change.direction;
        v.forEach((value, k) => { way[k] += steps[i] * value; });
      });
      return { z: code.map((value, k) => value + way[k]), far: length(way) };
    }

    const draw = controls.answering(figure, () => {
      const { code, words } = data.faces[face];
      const { z, far } = target();
      original.canvas.getContext("2d").drawImage(images[face], 0, 0);
      original.say(`Original: ${words}`);
      copy.show(net.run(code));
      moved.show(net.run(z));
      const added = data.changes.map((change, i) => [change.name, steps[i]]).filter(([, t]) => t);
      const list = added.map(([what, t]) => `${controls.number(t)} × ${what}`).join(", ");
      const kind = random ? "random directions as long as those of " : "";
      const said = added.length ? `Moved by ${kind}${list}` : "Nothing is added yet";
      moved.say(said);
      note.textContent = `${said}. The way is ${controls.number(far)} long, the code itself `
        + `${controls.number(length(code))}.`;
      live.say(`Face ${face + 1}. ${said}.`);
    });

    const sliders = data.changes.map((change, i) => controls.slider({
      label: `${change.name} (${hundredths(change.added)} in 100)`,
      min: LEAST, max: MOST, step: 0.05, value: 0,
      onInput: (value) => { steps[i] = value; draw(); },
    }));
    const which = chooser(data.faces, (i) => { face = i; draw(); });
    const control = controls.checkbox({
      label: "Random directions of the same length instead",
      onChange: (value) => { random = value; draw(); },
    });
    const again = controls.button({
      label: "Take everything away",
      onClick: () => {
        sliders.forEach((slider, i) => { slider.set(0); steps[i] = 0; });
        draw();
      },
    });
    const screens = controls.element(
      "div", { class: "latent-screens" }, original.element, copy.element, moved.element,
    );
    const key = controls.element("p", {
      class: "latent-note",
      text: "In brackets: of 100 test faces without it, how many are read to have it after one "
        + "step along its direction.",
    });
    stage.append(
      which, screens, note, controls.panel(...sliders.map((slider) => slider.element)), key,
      controls.row(again.element, control.element), live.element,
    );
    draw();
    return {
      decode: (_, z) => Array.from(net.run(z)),
      state: () => ({
        face, random, steps: [...steps], z: target().z, far: target().far, note: note.textContent,
      }),
    };
  });
})();
