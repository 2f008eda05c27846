// A link into a page leads to its place, and stays there; who comes back, or loads the page again,
// is where they were.
//
// Sections that are far away have heights that are only guessed. On the way to a place they get
// their real ones, and the place moves; so it is brought back until it stands still. For the same
// reason the browser's own memory of how far one had scrolled leads astray: here the paragraph that
// was read is remembered, in the entry of the browser's history.
"use strict";
(() => {
  const STILL = 40; // frames without a move, after which the place is taken to be reached
  const READER = ["wheel", "touchstart", "pointerdown", "keydown"];
  const REST = 250; // milliseconds without scrolling, after which the place is noted
  let journey = 0; // which one goes on; a later one ends it
  // On the way somewhere; at the start to where the address or the browser's history leads.
  let travelling = true;

  /** @typedef {{section: string, child: number, top: number}} Place */
  const came = history.state?.place; // now: Sphinx's script that marks words empties it

  /**
   * The element, or the section around it that is not laid out yet: before that is in sight, what
   * it holds lies anywhere.
   * @param {Element} element
   */
  function laidOut(element) {
    const hidden = () => element.checkVisibility?.({ contentVisibilityAuto: true }) === false;
    while (hidden() && element.parentElement) element = element.parentElement;
    return element;
  }

  /** Brings an element to its height on the screen, until it stays there or the reader goes on. */
  function go(target, top) {
    const own = (journey += 1);
    travelling = Boolean(target);
    if (!target) return;
    const leave = () => {
      if (journey !== own) return;
      journey += 1;
      travelling = false;
    };
    for (const event of READER) addEventListener(event, leave, { once: true, passive: true });
    let still = 0;
    const step = () => {
      if (journey !== own) return; // the reader has gone on
      const shown = laidOut(target);
      const before = shown.getBoundingClientRect().top;
      if (top === undefined || shown !== target) shown.scrollIntoView({ behavior: "instant" });
      else scrollBy({ top: before - top, behavior: "instant" });
      const moved = Math.abs(shown.getBoundingClientRect().top - before);
      still = moved < 2 ? still + 1 : 0;
      if (still < STILL) requestAnimationFrame(step);
      else {
        leave();
        note();
      }
    };
    step();
  }

  /** What the address names. */
  function named() {
    try {
      return document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return null; // a stray % in the address
    }
  }

  /** What is being read: the block under the top of the screen, as the child of its section. */
  function read() {
    const text = document.querySelector(".bd-article")?.getBoundingClientRect();
    if (!text) return null;
    for (let y = 90; y < innerHeight; y += 40) {
      let block = document.elementFromPoint(text.left + text.width / 3, y);
      while (block && !block.parentElement?.matches("section[id]")) block = block.parentElement;
      if (!block || block.matches("section")) continue; // a gap between two blocks
      const { id, children } = block.parentElement;
      const top = Math.round(block.getBoundingClientRect().top);
      return { section: id, child: [...children].indexOf(block), top };
    }
    return null;
  }

  function note() {
    const place = read();
    if (travelling || !place) return;
    history.scrollRestoration = "manual"; // for this entry: the browser would go on counting pixels
    history.replaceState({ ...history.state, place }, "");
  }

  /** @param {Place | undefined} place @returns {boolean} whether it could be found */
  function goBack(place) {
    const block = document.getElementById(place?.section)?.children[place.child];
    if (block) go(block, place.top);
    return Boolean(block);
  }

  let rest = 0;
  addEventListener("scroll", () => {
    clearTimeout(rest);
    rest = setTimeout(note, REST);
  }, { passive: true });
  addEventListener("pagehide", note);

  // Back and forward within the page bring a place along; a link that is followed does not.
  let brought = false;
  addEventListener("popstate", ({ state }) => (brought = goBack(state?.place)));
  addEventListener("hashchange", () => {
    if (!brought) go(named());
    brought = false;
  });
  document.addEventListener("click", ({ target }) => {
    const link = target.closest?.("a[href*='#']");
    if (!link) return;
    note(); // before the address changes: to come back to
    // The same place once more changes no address.
    if (link.href === location.href) setTimeout(() => go(named()));
  }, { capture: true });

  const arrive = () => {
    const { type } = performance.getEntriesByType("navigation")[0] ?? {};
    const back = type !== "navigate" && goBack(came);
    if (back) history.replaceState({ ...history.state, place: came }, "");
    else go(type === "navigate" ? named() : null);
  };
  if (document.readyState === "complete") arrive();
  else addEventListener("load", arrive);
})();
