"""Roles and links inside a line of text, turned into plain links with the site's numbers."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.chapters import Document
from tools.errors import BookError
from tools.plain.index import Index, Target

# What may stand in a line, longest first: only roles and link targets are rewritten.
SCANNER = re.compile(
    r"(?P<escape>\\.)"
    r"|\{(?P<role>[a-zA-Z][\w:+-]*)\}(?P<tick>`+)(?P<content>.+?)(?<!`)(?P=tick)(?!`)"
    r"|(?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<math>\$\$.+?\$\$|\$(?=\S)(?:\\.|[^$\\])+?(?<=\S)\$(?!\d))"
    r"|(?P<empty>!?\[\])\((?P<bare>[^()\s]+)\)"
    r"|(?P<close>\]\()(?P<link>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?P<title>(?:\s+\"[^\"]*\")?\))"
    r"|(?P<project><(?:project|path|myst|inv|doc):[^>]*>)",
    re.DOTALL,
)
KNOWN = {
    "text", "softbreak", "hardbreak", "code_inline", "math_inline", "math_inline_double",
    "myst_role", "link_open", "link_close", "image", "em_open", "em_close", "strong_open",
    "strong_close", "html_inline",
}  # fmt: skip
HTML = re.compile(r"</?(?:br|sub|sup|kbd)\s*/?>|<!--.*-->", re.DOTALL)
TITLED = re.compile(r"(?P<title>.+?)\s*<(?P<target>[^<>]+)>", re.DOTALL)
PYTHON = {"func", "class", "mod", "meth", "attr", "data", "exc", "obj"}
EXTERNAL = ("http://", "https://", "mailto:")


@dataclass(frozen=True)
class Inline:
    """The converter of inline text for one document."""

    index: Index
    document: Document

    def convert(self, text: str, tokens: tuple[Any, ...], line: int) -> str:
        """`text` without roles. `tokens` are the parser's view of the same text, to compare with.

        Raises:
            BookError: an unknown role, label or construct; or text that the parser reads otherwise.
        """
        children = [child for token in tokens for child in token.children or ()]
        for child in children:
            bad_html = child.type == "html_inline" and not HTML.fullmatch(child.content)
            if child.type not in KNOWN or bad_html:
                what = child.content if bad_html else child.type
                raise self._error(f"the converter does not know this construct: {what}", line)
        replaced = 0

        def substitute(match: re.Match[str]) -> str:
            nonlocal replaced
            at = line + text.count("\n", 0, match.start())
            if match["role"]:
                replaced += 1
                return self.role(match["role"], match["content"], at)
            if match["empty"]:
                label = match["bare"].removeprefix("#")
                return self._reference(label, None, at)
            if match["close"]:
                return f"]({self.destination(match['link'], at)}{match['title']}"
            if match["project"]:
                raise self._error(f"write [text](target) instead of {match['project']}", at)
            return match[0]

        plain = SCANNER.sub(substitute, text)
        roles = sum(child.type == "myst_role" for child in children)
        if roles != replaced:
            raise self._error(
                f"the parser sees {roles} roles here, the converter {replaced}: "
                "put each role on one line and escape stray $ and ` signs", line,
            )  # fmt: skip
        return plain

    def role(self, name: str, content: str, line: int) -> str:
        """One role as plain Markdown."""
        content = " ".join(content.split())
        short = name.removeprefix("py:")
        if short in PYTHON:
            return self._python(short, content, line)
        known: dict[str, Callable[[str, int], str]] = {
            "cite:t": self._cite_textual, "cite:p": self._cite, "cite": self._cite,
            "eq": self._equation, "numref": self._numbered, "ref": self._ref,
            "doc": self._doc, "term": self._term,
        }  # fmt: skip
        if name in known:
            return known[name](content, line)
        if name == "math":
            return f"${content}$"
        if name in ("sub", "sup", "kbd"):
            return f"<{name}>{content}</{name}>"
        if name == "abbr":
            return content
        raise self._error(f"unknown role {{{name}}}; known are: {', '.join(sorted(known))}", line)

    def destination(self, link: str, line: int) -> str:
        """A link's address: other sites stay, pages of the book become addresses of the site."""
        if link.startswith(EXTERNAL):
            return link
        path, _, anchor = link.partition("#")
        if not path:
            return self._url(self._target(anchor, line))
        here = posixpath.dirname(self.document.name)
        name = posixpath.normpath(posixpath.join(here, path)).removesuffix(".md")
        if path.endswith(".md") and name in self.index.titles:
            slug = self.index.headings.get((name, anchor), anchor)
            return self.index.url(f"{name}.html", slug)
        if path.endswith(".ipynb") or (self.index.book.source / name).suffix:
            raise self._error(f"nothing of the site is called {link!r}; link to a page", line)
        return self._url(self._target(link, line))

    def _reference(self, label: str, title: str | None, line: int) -> str:
        target = self._target(label, line)
        words = {"equation": f"({target.number})", "figure": f"Figure {target.number}",
                 "table": f"Table {target.number}"}.get(target.kind, target.title)  # fmt: skip
        return f"[{title or words}]({self._url(target)})"

    def _target(self, label: str, line: int) -> Target:
        found = self.index.labels.get(label) or self.index.labels.get(label.lower())
        if found is None:
            anchor = self.index.headings.get((self.document.name, label))
            if anchor is None:
                raise self._error(f"nothing in the book is labelled {label!r}", line)
            return Target("section", self.document.page, anchor, title=label)
        return found

    def _url(self, target: Target) -> str:
        return self.index.url(target.page, target.anchor)

    def _cite_textual(self, keys: str, line: int) -> str:
        return ", ".join(self._one_citation(key, "{0} ({1})", line) for key in keys.split(","))

    def _cite(self, keys: str, line: int) -> str:
        links = [self._one_citation(key, "{0}, {1}", line) for key in keys.split(",")]
        return f"({'; '.join(links)})"

    def _one_citation(self, key: str, form: str, line: int) -> str:
        found = self.index.citations.get(key.strip())
        if found is None:
            raise self._error(f"references.bib has no entry {key.strip()!r}", line)
        url = self.index.url("bibliography.html", f"cite-{key.strip()}")
        return f"[{form.format(found.names, found.year)}]({url})"

    def _equation(self, content: str, line: int) -> str:
        return self._of_kind("equation", content, line)

    def _numbered(self, content: str, line: int) -> str:
        title, label = _titled(content)
        target = self._target(label, line)
        if target.kind not in ("figure", "table"):
            raise self._error(f"{label!r} is a {target.kind}; use {{eq}} or {{ref}}", line)
        if title:
            title = title.replace("%s", target.number).replace("{number}", target.number)
        return self._reference(label, title, line)

    def _of_kind(self, kind: str, label: str, line: int) -> str:
        target = self._target(label, line)
        if target.kind != kind:
            raise self._error(f"{label!r} is a {target.kind}, not an {kind}", line)
        return self._reference(label, None, line)

    def _ref(self, content: str, line: int) -> str:
        title, label = _titled(content)
        target = self._target(label, line)
        if not title and not target.title:
            raise self._error(f"{label!r} has no title; use {{eq}} or {{numref}}", line)
        return self._reference(label, title, line)

    def _doc(self, content: str, line: int) -> str:
        title, name = _titled(content)
        here = "" if name.startswith("/") else posixpath.dirname(self.document.name)
        path = posixpath.normpath(posixpath.join(here, name.lstrip("/"))).removesuffix(".md")
        if path not in self.index.titles:
            raise self._error(f"_toc.yml has no page {path!r}", line)
        return f"[{title or self.index.titles[path]}]({self.index.url(f'{path}.html')})"

    def _term(self, content: str, line: int) -> str:
        title, term = _titled(content)
        target = self.index.terms.get(term.lower())
        if target is None:
            raise self._error(f"the glossary has no term {term!r}", line)
        return f"[{title or term}]({self._url(target)})"

    def _python(self, role: str, content: str, line: int) -> str:
        title, name = _titled(content)
        short, name = name.startswith("~"), name.lstrip("~")
        shown = name.rsplit(".", 1)[-1] if short else name
        call = "()" if role in ("func", "meth") and not shown.endswith("()") else ""
        words = title or f"`{shown}{call}`"
        if name.split(".")[0] != "genlib":
            return words  # the site has no page on other libraries either
        url = self.index.api_url(name)
        if url is None:
            raise self._error(f"no page under api/ documents {name!r}", line)
        return f"[{words}]({url})"

    def _error(self, message: str, line: int) -> BookError:
        return BookError(message, self.document.path, line)


def _titled(content: str) -> tuple[str | None, str]:
    """`title <target>` in its two parts; the title is None where there is only a target."""
    match = TITLED.fullmatch(content)
    return (match["title"], match["target"]) if match else (None, content)
