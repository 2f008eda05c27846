/**
 * How well a name answers a query, how much a section says about its words, and what a word with a
 * slip of the finger was meant to be. Words are folded by language_data.js; search-page.js shows.
 */
"use strict";
window.genlibSearchMatch = (() => {
  /** @typedef {{compact: string, parts: string[], exact: string}} Comparable */
  /** @typedef {{tokens: number, counts: Map<string, number>}} Counted */

  /** @param {string} word @returns {string} without the s of a plural */
  const singular = (word) =>
    word.length > 3 && /[^sui]s$/.test(word) ? word.slice(0, -1) : word;

  /**
   * A name as it is compared: `exact` as it is written, `compact` in one word, `parts` word by
   * word.
   * @param {string} text
   * @returns {Comparable}
   */
  function comparable(text) {
    const apart = text.replace(/(\p{Ll})(\p{Lu}\p{Ll})/gu, "$1 $2"); // ModeReport is two words
    const parts = searchFold(apart).match(/\p{L}+|\p{N}+(?:\.\p{N}+)*|\*/gu) ?? [];
    const spelled = parts.map((part) => singular(searchSpelling(part)));
    return { compact: spelled.join(""), parts: spelled, exact: text.normalize("NFKC").trim() };
  }

  /**
   * How well a name answers a query: 100 if they are equal, 0 if it does not.
   * @param {Comparable} query
   * @param {Comparable} name
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

  /**
   * What decides between equally good names: λ is not Λ, x̂ is not x, and what the query says
   * may stand first in a name.
   * @param {Comparable} query
   * @param {Comparable} name
   */
  const nearness = (query, name) =>
    query.exact === name.exact ? 1 : name.parts[0]?.startsWith(query.parts[0]) ? 0.5 : 0;

  /**
   * Letters to change, add, drop or exchange with their neighbour.
   * @param {string} a
   * @param {string} b
   */
  function mistakes(a, b) {
    let before = [];
    let row = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; i += 1) {
      const next = [i];
      for (let j = 1; j <= b.length; j += 1) {
        const same = a[i - 1] === b[j - 1] ? 0 : 1;
        next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + same));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
          next[j] = Math.min(next[j], before[j - 2] + 1);
        }
      }
      [before, row] = [row, next];
    }
    return row[b.length];
  }

  /** How many slips a word of this length may have. @param {string} word */
  const allowed = (word) => Math.min(2, Math.floor(word.length / 4));

  /**
   * The word of the book that a misspelt one was meant to be: of the nearest, the most frequent.
   * @param {string} word
   * @param {Map<string, number>} known how often the book has each word
   * @returns {string | null} the word itself if the book has it, null if nothing is near
   */
  function meant(word, known) {
    if (known.has(word) || known.has(singular(word))) return word;
    let [best, least, most] = [null, allowed(word), 0];
    for (const [other, often] of known) {
      if (Math.abs(other.length - word.length) > least) continue;
      const off = mistakes(word, other);
      if (off < least || (off === least && often > most)) [best, least, most] = [other, off, often];
    }
    return least ? best : null;
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
   * The words of a text and how often it has each; names of a program count in parts too.
   * @param {string} text
   * @returns {Counted}
   */
  function counted(text) {
    const words = splitQuery(text).flatMap((word) =>
      word.includes("_") ? [word, ...word.split("_").filter(Boolean)] : [word]);
    const counts = new Map();
    for (const word of words) counts.set(stem(word), (counts.get(stem(word)) ?? 0) + 1);
    return { tokens: words.length, counts };
  }

  const USUAL = 150; // words of a section
  /**
   * How much a section says about the words: a rare word counts more, its tenth mention little, and
   * a heading says what its section is about.
   * @param {Counted} text
   * @param {Counted} heading
   * @param {Map<string, number>} rarity of the words that are asked for
   */
  function relevance(text, heading, rarity) {
    let sum = 0;
    for (const [word, rare] of rarity) {
      const often = text.counts.get(word) ?? 0;
      sum += (rare * 2.2 * often) / (often + 1.2 * (0.4 + (0.6 * text.tokens) / USUAL));
      if (heading.counts.has(word)) sum += (1.5 * rare) / Math.sqrt(heading.tokens);
    }
    return sum;
  }

  return { allowed, comparable, counted, likeness, meant, mistakes, nearness, relevance };
})();
