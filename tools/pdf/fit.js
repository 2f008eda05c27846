// What is wider than the page's text is made smaller: a browser would cut it, or shrink every page.
() => {
  "use strict";
  const LEAST = 0.55;
  const inner = (box) => {
    const style = getComputedStyle(box);
    return box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  };
  for (const table of document.querySelectorAll(".bd-article table")) {
    const room = inner(table.parentElement);
    if (table.scrollWidth > room + 1) {
      table.style.zoom = Math.max(LEAST, room / table.scrollWidth);
    }
    if (table.getBoundingClientRect().width > room + 1) table.classList.add("too-wide");
  }
  for (const formula of document.querySelectorAll(".bd-article mjx-container[display]")) {
    const drawn = formula.firstElementChild;
    const room = formula.clientWidth;
    const width = drawn ? drawn.getBoundingClientRect().width : 0;
    if (width > room + 1) formula.style.zoom = Math.max(LEAST, room / width);
  }
}
