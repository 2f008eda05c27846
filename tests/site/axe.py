"""What axe has against a page: its serious and critical findings."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

OPTIONS = {
    "preload": False,  # axe would fetch the style sheets once more, which a page from disk may not
    "resultTypes": ["violations"],
    "rules": {"region": {"enabled": False}},  # only ever moderate, and slow
}

# Nearly all of axe's time goes into the contrast of colours: milliseconds for each of thousands of
# words. Two leaves of the tree in the same block (a listing, a table, a list) whose own looks and
# those of everything between them and the block are equal have the same contrast: axe gets the
# first. What has no text of its own and is no control has no contrast, as axe would find out.
TWINS = """() => {
  const BLOCKS = "pre, table, ul, ol, dl, nav, section, article, aside, figure, header, footer";
  const LOOKS = ["color", "background-color", "background-image", "opacity", "filter",
    "mix-blend-mode", "font-size", "font-weight", "text-shadow", "text-decoration-line", "position",
    "display", "visibility", "-webkit-text-stroke", "-webkit-text-fill-color", "border-color",
    "border-style"];
  const chains = new Map(); // element -> its looks and those of all up to its block
  const known = new Map(); // block -> chains seen in it
  const looks = (e, pseudo) => {
    const style = getComputedStyle(e, pseudo);
    return LOOKS.map((name) => style.getPropertyValue(name)).join();
  };
  const worded = (e) => [...e.childNodes].some((kid) => kid.nodeType === 3 && kid.data.trim());
  const control = (e) => e.matches("input, select, textarea, button, summary, option, a, label");
  const chain = (e, block) => {
    if (e === block) return "";
    if (!chains.has(e)) {
      const own = e.tagName + e.getAttribute("aria-disabled") + e.getAttribute("aria-hidden");
      chains.set(e, `${own} ${looks(e)} < ${chain(e.parentElement, block)}`);
    }
    return chains.get(e);
  };
  for (const e of document.body.querySelectorAll("*")) {
    if (control(e)) continue;
    let twin = !worded(e);
    if (!twin && !e.firstElementChild) {
      const block = e.parentElement.closest(BLOCKS) ?? document.body;
      if (!known.has(block)) known.set(block, new Set());
      const mine = chain(e, block);
      twin = known.get(block).has(mine);
      known.get(block).add(mine);
    }
    e.toggleAttribute("data-twin", twin);
  }
  axe.configure({ rules: [{ id: "color-contrast", selector: "*:not([data-twin])" }] });
}"""


def serious(page: Page) -> list[str]:
    """A line for each finding: the rule, how often, what it means, and the first three places."""
    axe = Axe()
    page.evaluate(axe.axe_script)
    page.evaluate(TWINS)
    found = page.evaluate("options => axe.run(options)", OPTIONS)["violations"]
    return [
        f"{one['id']} ({len(one['nodes'])}×, {one['help']}): "
        + "; ".join(str(node["html"])[:160] for node in one["nodes"][:3])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
