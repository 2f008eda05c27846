/**
 * The search page: symbols, terms, functions and exercises by name first, then the pages on which
 * all words of the query stand, each with the sentence that has them. Works from disk: Sphinx would
 * fetch every page for its summary. Data come from search-entries.js, words from language_data.js.
 */
"use strict";
{
  /** Among equally good ones: the order in which kinds are shown. */
  const KINDS = ["symbol", "measure", "glossary term", "exercise", "module", "class", "function"];
  const STRONG = 65; // an entry that is at least half of what was asked for stands above the pages
  const MOST_STRONG = 30;
  const MOST_WEAK = 15;
  const EXCERPT = 240; // characters

  /** @typedef {{url: string, name: string, kind: string, text: string, score: number}} Result */

  /** @param {string} word @returns {string} without the s of a plural */
  const singular = (word) =>
    word.length > 3 && /[^sui]s$/.test(word) ? word.slice(0, -1) : word;

  /**
   * A name as it is compared: `compact` in one word, `parts` word by word.
   * @param {string} text
   */
  function comparable(text) {
    const parts = searchFold(text).match(/\p{L}+|\p{N}+(?:\.\p{N}+)*|\*/gu) ?? [];
    const spelled = parts.map((part) => singular(searchSpelling(part)));
    return { compact: spelled.join(""), parts: spelled };
  }

  /**
   * How well a name answers a query: 100 if they are equal, 0 if it does not.
   * @param {{compact: string, parts: string[]}} query
   * @param {{compact: string, parts: string[]}} name
   */
  function likeness(query, name) {
    if (!query.compact) return 0;
    if (query.compact === name.compact) return 100;
    let found = 0;
    for (const part of query.parts) {
      if (name.parts.includes(part)) found += 1;
      else if (part.length > 2 && name.parts.some((other) => other.startsWith(part))) found += 0.8;
      else return 0;
    }
    const share = query.parts.length / Math.max(query.parts.length, name.parts.length);
    return (40 + 50 * share) * (found / query.parts.length);
  }

  const { pages, entries, sections } = window.genlibSearch;
  const address = (page, anchor) => `${pages[page][0]}.html${anchor ? `#${anchor}` : ""}`;

  /** Everything with a name; made at the first query, when language_data.js is there. */
  function everything() {
    const all = entries.map(([name, kind, page, anchor, text, aliases]) => ({
      result: { url: address(page, anchor), name, kind, where: pages[page][1], text },
      keys: [name, ...aliases].map(comparable),
    }));
    for (const [page, anchor, name, text] of sections) {
      if (!anchor) continue;
      const where = pages[page][1];
      all.push({
        result: { url: address(page, anchor), name, kind: "section", where, text },
        keys: [comparable(name)],
      });
    }
    return all;
  }
  let names = null;

  /** @param {string} query @returns {Result[]} best first */
  function named(query) {
    names ??= everything();
    const asked = comparable(query);
    const program = /[_.]/.test(query); // a name of Python: its function before the term
    const rank = ({ kind }) => {
      const place = KINDS.indexOf(kind);
      if (program && ["function", "class", "method", "module"].includes(kind)) return -1;
      return place < 0 ? KINDS.length : place;
    };
    const found = [];
    for (const { result, keys } of names) {
      // A symbol's name in code counts a little less than what is called by that name.
      const less = result.kind === "symbol" ? 2 : 0;
      const score = Math.max(...keys.map((key, i) => likeness(asked, key) - (i ? less : 0)));
      const place = result.kind === "section" ? 8 : 0; // what has a name of its own comes first
      if (score > 20) found.push({ ...result, score: score - place });
    }
    return found.sort(
      (a, b) => b.score - a.score || rank(a) - rank(b) || a.name.localeCompare(b.name),
    );
  }

  /** How many of the wanted words a text has. @param {string} text @param {string[]} wanted */
  const count = (text, wanted) => {
    const has = new Set(splitQuery(text).flatMap((word) => [word, ...word.split("_")]).map(stem));
    return wanted.filter((word) => has.has(word)).length;
  };

  /** @param {string} a @param {string} b @returns {number} letters to change, add or drop */
  function mistakes(a, b) {
    let row = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; i += 1) {
      const next = [i];
      for (let j = 1; j <= b.length; j += 1) {
        const same = a[i - 1] === b[j - 1] ? 0 : 1;
        next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + same));
      }
      row = next;
    }
    return row[b.length];
  }

  /** What a query with a slip of the finger may have meant. @param {string} query */
  function similar(query) {
    const { compact } = comparable(query);
    const allowed = Math.min(2, Math.floor(compact.length / 4));
    if (!allowed) return [];
    return names
      .map(({ result, keys }) => {
        const near = keys.filter((key) => Math.abs(key.compact.length - compact.length) <= allowed);
        return { ...result, off: Math.min(...near.map((key) => mistakes(compact, key.compact))) };
      })
      .filter(({ off }) => off <= allowed)
      .sort((a, b) => a.off - b.off)
      .slice(0, 5);
  }

  let stemmer = null;
  const stems = new Map(); // Sphinx's stemmer takes its time, and words come again
  /** @param {string} word */
  function stem(word) {
    stemmer ??= new Stemmer();
    if (!stems.has(word)) stems.set(word, stemmer.stemWord(word));
    return stems.get(word);
  }

  /**
   * The part of a text that has most of the words.
   * @param {string} text
   * @param {string[]} wanted
   */
  function excerpt(text, wanted) {
    const sentences = text.match(/.+?(?:[.:?!](?=\s)|$)/gu) ?? [];
    let best = 0;
    let most = -1;
    sentences.forEach((sentence, i) => {
      const here = count(sentence, wanted);
      if (here > most) [best, most] = [i, here];
    });
    const said = sentences.slice(best, best + 2).join("").trim();
    if (said.length <= EXCERPT) return said;
    return `${said.slice(0, EXCERPT).replace(/\s+\S*$/, "")} …`;
  }

  /**
   * The pages on which all words stand, each at the section that has most of them.
   * @param {Set<string>} searched
   * @param {Set<string>} excluded
   * @returns {Result[]}
   */
  function pagesWith(searched, excluded) {
    const wanted = [...searched];
    if (wanted.every((word) => word.length < 2)) return []; // letters stand on every page
    // Sphinx gives the best one last.
    return Search.performTermsSearch(searched, excluded)
      .map(([name, title, , , score]) => {
        const page = pages.findIndex(([other]) => other === name);
        let best = null;
        let most = 0;
        for (const section of sections) {
          if (section[0] !== page) continue;
          // A heading with the words says that the section is about them.
          const here = count(`${section[2]} ${section[3]}`, wanted) + count(section[2], wanted) / 2;
          if (here > most) [best, most] = [section, here];
        }
        const [, anchor, heading, text] = best ?? sections.find(([p]) => p === page) ?? [];
        return {
          url: address(page, anchor),
          name: anchor ? heading : pages[page]?.[1] ?? title,
          kind: anchor ? "section" : "page",
          where: pages[page]?.[1] ?? "",
          text: excerpt(text ?? "", wanted),
          score: score + most / 10,
        };
      })
      .sort((a, b) => b.score - a.score);
  }

  /** @param {string} query @returns {Result[]} */
  function answer(query) {
    const [, searched, excluded] = Search._parseQuery(query);
    const byName = named(query);
    const strong = byName.filter(({ score }) => score >= STRONG).slice(0, MOST_STRONG);
    const weak = byName.filter(({ score }) => score < STRONG).slice(0, MOST_WEAK);
    const seen = new Set();
    return [...strong, ...pagesWith(searched, excluded), ...weak].filter(({ url, name }) => {
      const key = `${url} ${url.includes("symbol") ? name : ""}`;
      return !seen.has(key) && seen.add(key);
    });
  }

  /** @param {Result} result @returns {HTMLLIElement} */
  function item(result) {
    const element = document.createElement("li");
    const link = document.createElement("a");
    link.className = "search-name";
    link.href = result.url;
    link.textContent = result.name;
    const kind = document.createElement("span");
    kind.className = "search-kind";
    const alone = ["page", "glossary term"].includes(result.kind);
    kind.textContent = alone ? result.kind : `${result.kind} in ${result.where}`;
    element.append(link, kind);
    if (result.text) {
      const text = document.createElement("p");
      text.className = "context";
      text.textContent = result.text.length > EXCERPT
        ? `${result.text.slice(0, EXCERPT).replace(/\s+\S*$/, "")} …` : result.text;
      element.append(text);
    }
    return element;
  }

  /** language_data.js has Sphinx call this with the query when its index is there. */
  const show = (query) => {
    const results = answer(query);
    const meant = results.length ? [] : similar(query);
    // Sphinx marks the words on the page that is opened; a short one would be marked within others.
    const marked = splitQuery(query).filter((word) => word.length > 4 && !word.includes("_"));
    localStorage.setItem("sphinx_highlight_terms", marked.join(" "));
    Search.stopPulse();
    Search.title.textContent = "Search results";
    Search.status.setAttribute("role", "status");
    Search.output.append(...[...results, ...meant].map(item));
    const n = results.length;
    const advice = meant.length
      ? "Did you mean one of these?"
      : "All words must stand on one page: try fewer, or look into the Glossary and the Notation.";
    Search.status.textContent = n
      ? `${n} ${n === 1 ? "result" : "results"} for “${query}”.`
      : `Nothing in the book has “${query}”. ${advice}`;
  };
  window.genlibSearchPage = { query: show };

  // The theme means to focus the page's field and takes that of its hidden dialog. Where a finger
  // points, a focused field would lay a keyboard over the results.
  document.addEventListener("DOMContentLoaded", () => {
    if (matchMedia("(pointer: fine)").matches || !location.search) {
      document.querySelector(".bd-search-container input")?.focus();
    }
  });
}
