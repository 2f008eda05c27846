// Chapter 6: latent arithmetic. A face's code, plus so much of each attribute's direction; and what
// a classifier reads off the picture.
//
// data: `face-attributes-codes`, the decoder `vae-gan-faces`, and `classifier-faces`.
//
// needs: controls.js network.js
"use strict";

(() => {
  const genlib = window.genlib;
  const [LEAST, MOST] = [-2, 3]; // times a direction
  const FIRST = 1.5; // how much of the first change is added to begin with, as on the still

  /**
   * @typedef {{words: string, image: string, code: number[]}} Face  image: a data URL
   * @typedef {{name: string, direction: number[], random: number[], before: number, added: number,
   *   byRandom: number, n: number, attribute: string, values: string[]}} Change  shares of n faces
   *   on which it is read: on the copy, after one step along its direction, along a random one
   * @typedef {{attribute: string, values: string[]}} Head  of the classifier
   * @typedef {{faces: Face[], changes: Change[], heads: Head[]}} Data
   * @typedef {Record<string, {value: string, shares: Record<string, number>}>} Reading
   */

  const length = (v) => Math.hypot(...v);
  const hundredths = (share) => String(Math.round(100 * share));
  const spaced = (name) => name.replace("_", " ");

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

  /**
   * What the classifier reads: softmax of each head's logits.
   * @param {Float32Array} logits @param {Head[]} heads @returns {Reading}
   */
  function reading(logits, heads) {
    const found = {};
    let at = 0;
    for (const { attribute, values } of heads) {
      const part = Array.from(logits.subarray(at, at + values.length));
      at += values.length;
      const most = Math.max(...part);
      const powers = part.map((logit) => Math.exp(logit - most));
      const sum = powers.reduce((a, b) => a + b);
      const shares = Object.fromEntries(values.map((value, i) => [value, powers[i] / sum]));
      found[attribute] = { value: values[part.indexOf(most)], shares };
    }
    return found;
  }

  /** How probable a change's attribute is by a reading. @param {Change} change */
  function likely(change, read) {
    return change.values.reduce((sum, value) => sum + read[change.attribute].shares[value], 0);
  }

  /** One change: its slider, a bar for what is read now, and how often one step works. */
  function changeSlider(change, value, onInput) {
    const { controls } = genlib;
    const made = controls.slider({
      label: change.name, min: LEAST, max: MOST, step: 0.05, value, onInput,
    });
    const bar = controls.element("div", { class: "latent-bar", "aria-hidden": "true" });
    const line = controls.element("p", { class: "latent-read" });
    made.element.append(bar, line);
    const tell = (here, random) => {
      bar.style.setProperty("--latent-share", `${100 * here}%`);
      const after = hundredths(random ? change.byRandom : change.added);
      line.textContent = `read here: ${controls.number(here)}; `
        + `of 100 faces: ${hundredths(change.before)} → ${after}`;
    };
    return { ...made, tell, line };
  }

  genlib.define("face-attributes", async (stage, { data: loaded, options, figure }) => {
    const { controls } = genlib;
    /** @type {Data} */
    const data = loaded["face-attributes-codes"];
    const net = genlib.network(loaded[options.model || "vae-gan-faces"]);
    const reader = genlib.network(loaded["classifier-faces"]);
    const images = await decoded(data.faces);
    const live = controls.live();
    const original = genlib.screen("original", net.output, "");
    const copy = genlib.screen("copy", net.output, "The copy: its code, decoded");
    const moved = genlib.screen("moved", net.output, "");
    const note = controls.element("p", { class: "latent-note" });
    const along = controls.element("p", { class: "latent-note" });
    const copies = new Map(); // face -> {picture, read}: what stays while a slider moves
    const steps = data.changes.map((_, i) => (i === 0 ? FIRST : 0));
    let face = 0, random = false, picture = null, read = null;

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

    function ownCopy() {
      if (!copies.has(face)) {
        const own = net.run(data.faces[face].code);
        copies.set(face, { picture: own, read: reading(reader.run(own), data.heads) });
      }
      return copies.get(face);
    }

    const said = () => {
      const added = data.changes.map((change, i) => [change.name, steps[i]]).filter(([, t]) => t);
      const list = added.map(([what, t]) => `${controls.number(t)} × ${what}`).join(", ");
      const kind = random ? "random directions as long as those of " : "";
      return added.length ? `Moved by ${kind}${list}` : "Nothing is added yet";
    };

    const draw = controls.answering(figure, () => {
      const { code, words } = data.faces[face];
      const { z, far } = target();
      picture = net.run(z);
      original.canvas.getContext("2d").drawImage(images[face], 0, 0);
      original.say(`Original: ${words}`);
      copy.show(ownCopy().picture);
      moved.show(picture);
      moved.say(said());
      note.textContent = `${said()}. The way is ${controls.number(far)} long, the code itself `
        + `${controls.number(length(code))}.`;
      judge(); // in the next frame, so that the picture does not wait for it
    });

    /** The bars, and what was read otherwise though nobody asked for it. */
    const judge = controls.answering(figure, () => {
      read = reading(reader.run(picture), data.heads);
      sliders.forEach((slider, i) => slider.tell(likely(data.changes[i], read), random));
      const asked = new Set(data.changes.filter((_, i) => steps[i]).map((one) => one.attribute));
      const before = ownCopy().read;
      const other = data.heads.map((head) => head.attribute)
        .filter((name) => !asked.has(name) && read[name].value !== before[name].value)
        .map((name) => `${spaced(name)} ${before[name].value} → ${read[name].value}`);
      along.textContent = other.length ? `What came along, by the classifier: ${other.join(", ")}.`
        : "By the classifier, nothing else has changed.";
      const works = data.changes.filter((_, i) => steps[i])
        .map((change) => `${change.name} read with ${controls.number(likely(change, read))}`);
      live.say(`Face ${face + 1}. ${[said(), ...works].join(", ")}. ${along.textContent}`);
    });

    const sliders = data.changes.map((change, i) => changeSlider(
      change, steps[i], (value) => { steps[i] = value; draw(); },
    ));
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
      "div", { class: "latent-screens latent-follow" },
      original.element, copy.element, moved.element,
    );
    const key = controls.element("p", {
      class: "latent-note",
      text: "Bars: how sure the classifier is that the moved picture has it. The last two numbers: "
        + "of 100 test faces without it, how many are read to have it on the copy, and how many "
        + "after one step.",
    });
    stage.append(
      which, screens, note, along, controls.panel(...sliders.map((slider) => slider.element)), key,
      controls.row(again.element, control.element), live.element,
    );
    draw();
    return {
      decode: (_, z) => Array.from(net.run(z)),
      logits: (pixels) => Array.from(reader.run(pixels)),
      state: () => ({
        face, random, steps: [...steps], z: target().z, far: target().far, note: note.textContent,
        along: along.textContent, read, said: live.text,
      }),
    };
  });
})();
