"""A built site of three pages, written by hand in the theme's markup: nothing has to be built."""

from __future__ import annotations

from pathlib import Path

from tools.config import Book, load_book

CONFIG = """\
title: "Small, but whole"
author: A. Writer
copyright: "2026"
repository: {url: https://github.com/someone/small, branch: main}
"""
TOC = """\
root: index
parts:
  - caption: Chapters
    numbered: 2
    chapters:
      - file: chapters/01-first
  - caption: Around the chapters
    chapters:
      - file: words
"""
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="{up}_static/style.css?v=1"></head>
<body><nav class="bd-sidebar"><a href="{up}index.html">Home</a></nav>
<main class="bd-main"><div class="bd-content"><div class="bd-article-container">
<article class="bd-article"><section id="{id}">
<h1>{title}<a class="headerlink" href="#{id}">#</a></h1>
{body}
</section></article></div></div></main></body></html>
"""
INDEX = """
<p>Begin with
<a class="reference internal" href="chapters/01-first.html#chapter-first">the first</a>, or
<a href="https://example.org/">elsewhere</a>. <a href="search.html">Search</a>.</p>
<section id="how"><h2>How</h2><p>See <a href="words.html#term-code">code</a>.</p></section>
"""
CHAPTER = """
<span id="chapter-first"></span>
<p class="chapter-links"><a href="../_notebooks/01-first.ipynb" download>Notebook</a></p>
<p>See <a href="#fig-one">Figure 1.1</a>, <a href="../words.html">the words</a> and
<a href="https://someone.github.io/small/words.html#term-code">code</a>.</p>
<section id="how"><h2>1.1. How</h2>
<div class="cell tag_hide-input"><details class="admonition hide above-input">
<summary><p>Show the code</p></summary>
<div class="cell_input"><div class="highlight"><pre>LONG</pre></div></div></details>
<div class="cell_output"><figure id="fig-one"><img src="../_images/square.svg" alt="A square.">
<figcaption>Figure 1.1 A square.</figcaption></figure></div></div>
<div class="cell"><div class="cell_output"><details class="genlib-animation" open>
<summary>Animation (close to stop it)</summary><picture>
<source media="(prefers-reduced-motion: reduce)" srcset="../_images/still.svg">
<img src="../_images/moving.svg" alt="It moves."></picture></details></div></div>
<div class="quiz" id="quiz-1-1" aria-labelledby="quiz-1-1-title">
<p class="quiz-title" id="quiz-1-1-title">Question 1.1</p><p>Which?</p>
<details class="quiz-option" data-letter="A" data-right="false" name="quiz-1-1">
<summary><span class="quiz-letter">A</span><span class="quiz-words">An option.</span></summary>
<div class="quiz-why"><p>Not this one.</p><p>Why it is wrong.</p></div></details>
<details class="quiz-option" data-letter="B" data-right="true" name="quiz-1-1">
<summary><span class="quiz-letter">B</span><span class="quiz-words">Another.</span></summary>
<div class="quiz-why"><p>Right.</p><p>Why it is right.</p></div></details></div>
<details class="dropdown" name="more"><summary>More</summary><p>Folded text.</p></details>
</section>
<section id="exercises"><h2>1.2. Exercises</h2>
<div class="exercise admonition"><p class="admonition-title">Exercise 1.1: add</p><p>Add.</p></div>
<div class="cell tag_exercise"><div class="cell_input"><pre>...</pre></div></div>
<div class="cell tag_check"><div class="cell_input"><pre>check()</pre></div>
<div class="cell_output"><p>Not attempted yet</p></div></div>
<div class="cell tag_solution"><details class="admonition hide above-input"><summary><p>Show</p>
</summary><div class="cell_input"><pre>return the_sum</pre></div></details></div>
</section>
"""
WORDS = """
<dl><dt id="term-code">code</dt><dd>What stands for an image. <a href="#how">Below</a>.</dd></dl>
<section id="how"><h2>How</h2><p>End.</p></section>
"""
SQUARE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="120">'
    '<rect id="box" width="120" height="120" fill="#246"/></svg>'
)


def write_small_site(folder: Path) -> Book:
    """The book's folder with sources that are only names, and its site in `_build/html`."""
    long_code = "\n".join(f"line_{number} = {number}" for number in range(40))
    pages = {
        "index": ("Small, but whole", INDEX),
        "chapters/01-first": ("1. The first", CHAPTER.replace("LONG", long_code)),
        "words": ("Words", WORDS),
    }
    files = {
        "_config.yml": CONFIG,
        "_toc.yml": TOC,
        "_build/html/_static/style.css": "p { margin: 1em }",
    }
    for name, (title, body) in pages.items():
        up = "../" * name.count("/")
        files[f"book/{name}.md"] = f"# {title}\n"
        files[f"_build/html/{name}.html"] = PAGE.format(title=title, up=up, body=body, id=name[-5:])
    for picture in ("square", "still", "moving"):
        files[f"_build/html/_images/{picture}.svg"] = SQUARE
    files["_build/html/search.html"] = "<!DOCTYPE html><title>Search</title>"
    files["_build/html/_notebooks/01-first.ipynb"] = "{}"
    for file, text in files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf8")
    return load_book(folder)
