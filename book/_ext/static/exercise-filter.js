// Shows a choice of the book's exercises, and how long they take together.
//
// The tables are whole without this script: it hides rows of them.
"use strict";

(() => {
  /** A row's difficulty, minutes and kind stand in its second, third and fourth cell. */
  const rows = [...document.querySelectorAll("table.exercise-index tbody tr")]
    .filter((row) => row.cells.length === 5)
    .map((row) => {
      const [, difficulty, minutes, kind] = [...row.cells].map((cell) => cell.textContent.trim());
      return { row, difficulty, minutes: Number(minutes), kind };
    });
  const overview = document.querySelector("table.exercise-index");
  if (!overview || !rows.length) return;

  /** @param {string} label @param {string} any @param {string[]} values */
  function menu(label, any, values) {
    const select = document.createElement("select");
    [["", any], ...values.map((value) => [value, value])].forEach(([value, text]) => {
      select.add(new Option(text, value));
    });
    const line = document.createElement("label");
    line.append(label, select);
    return { line, select };
  }

  const values = (name) => [...new Set(rows.map((one) => one[name]))];
  const levels = ["warm-up", "standard", "hard", "research taste"]
    .filter((level) => values("difficulty").includes(level));
  const difficulty = menu("Difficulty ", "all", levels);
  const kind = menu("Kind ", "checked and open", values("kind"));
  const said = document.createElement("output");
  const bar = document.createElement("form");
  bar.className = "exercise-filter";
  bar.append(difficulty.line, kind.line, said);
  (overview.closest(".pst-scrollable-table-container, .table-wrapper") ?? overview).after(bar);

  function show() {
    let minutes = 0;
    let count = 0;
    for (const one of rows) {
      const fits = [[difficulty, one.difficulty], [kind, one.kind]]
        .every(([{ select }, own]) => !select.value || select.value === own);
      one.row.hidden = !fits;
      count += fits ? 1 : 0;
      minutes += fits ? one.minutes : 0;
    }
    const time = `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
    said.textContent = `${count} of ${rows.length} exercises are shown: ${time}`;
  }

  bar.addEventListener("change", show);
  bar.addEventListener("submit", (event) => event.preventDefault());
  show(); // the browser may have kept a choice
})();
