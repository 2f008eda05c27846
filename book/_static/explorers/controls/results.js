// What comes out, in words and numbers: lists, tables, and what a screen reader says.
//
// needs: controls/basics.js controls/results.css
"use strict";

(() => {
  const { element } = window.genlib.controls;

  /**
   * Numbers with their names, to be looked up and not to be read out at each change.
   * @param {{label: string, names: Object<string, string>}} options key -> what stands beside it
   */
  function readout({ label, names }) {
    const list = element("dl", { class: "explorer-readout", "aria-label": label });
    const values = {};
    for (const [key, name] of Object.entries(names)) {
      values[key] = element("dd");
      list.append(element("div", {}, element("dt", { text: name }), values[key]));
    }
    const set = (key, text) => {
      if (values[key].textContent !== text) values[key].textContent = text;
    };
    return { element: list, set, text: (key) => values[key].textContent };
  }

  /**
   * A table of numbers.
   * @param {{label: string, columns: Object<string, string>, rows: Object<string, string>}} options
   *   label: its caption; columns, rows: key -> heading
   */
  function table({ label, columns, rows }) {
    const corner = element("td"), cells = {}, lines = {};
    const top = element("tr", {}, corner);
    for (const name of Object.values(columns)) {
      top.append(element("th", { scope: "col", text: name }));
    }
    const body = element("tbody");
    for (const [row, name] of Object.entries(rows)) {
      const line = element("tr", {}, element("th", { scope: "row", text: name }));
      lines[row] = line;
      for (const column of Object.keys(columns)) {
        cells[`${row} ${column}`] = element("td");
        line.append(cells[`${row} ${column}`]);
      }
      body.append(line);
    }
    const title = element("caption", { text: label });
    const made = element("table", { class: "explorer-table" }, title,
      element("thead", {}, top), body);
    const set = (row, column, text) => {
      const cell = cells[`${row} ${column}`];
      if (cell.textContent !== text) cell.textContent = text;
    };
    const head = (text) => { corner.textContent = text; };
    const outer = { class: "explorer-wide", role: "group", "aria-label": label };
    const box = element("div", outer, made);
    // What scrolls sideways can be reached and moved with the keyboard.
    new ResizeObserver(() => {
      if (made.offsetWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }).observe(box);
    const text = (row, column) => cells[`${row} ${column}`].textContent;
    const caption = (next) => { title.textContent = next; };
    const show = (row, shown) => { lines[row].hidden = !shown; };
    return { element: box, set, head, caption, show, text };
  }

  /** What changed, for screen readers: said once the changes have paused, not during a drag. */
  function live() {
    const made = element("p", { class: "explorer-said", "aria-live": "polite", role: "status" });
    let latest = "", timer = 0;
    const say = (text) => {
      latest = text;
      clearTimeout(timer);
      timer = setTimeout(() => { made.textContent = latest; }, 350);
    };
    return { element: made, say, get text() { return latest; } };
  }

  Object.assign(window.genlib.controls, { readout, table, live });
})();
