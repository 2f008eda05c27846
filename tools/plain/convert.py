"""One MyST text to plain Markdown: blocks here, what stands inside a line in `inline`."""

from __future__ import annotations

import html
import posixpath
import re
from dataclasses import dataclass
from typing import Any

from tools.chapters import Document
from tools.errors import BookError
from tools.plain.blocks import Block, Directive, blocks
from tools.plain.index import Index
from tools.plain.inline import Inline
from tools.quiz import QuizError, Text, read_quiz

QUOTED = {"note", "tip", "warning", "important", "caution", "hint", "seealso", "attention",
          "danger", "error", "admonition", "sidebar", "margin", "topic"}  # fmt: skip
TITLED = {"admonition", "sidebar", "topic"}
NAMES = {"seealso": "See also"}
ALIGNED = {"align": "aligned", "gather": "gathered", "equation": ""}
LEFTOVER = re.compile(r"(?<![\\`])\{[a-z][\w:+-]*\}`|^\s*(?:>\s*)*(?::{3,}|`{3,}\{|~{3,}\{)", re.M)


@dataclass(frozen=True)
class Converter:
    """Converts the texts of one document. `parser` is the one the site uses."""

    index: Index
    document: Document
    parser: Any

    @property
    def inline(self) -> Inline:
        return Inline(self.index, self.document)

    def convert(self, text: str, line: int, *, nested: bool = False) -> str:
        """Plain Markdown for `text`, whose first line is line `line` of the document.

        nested: inside a directive. Displayed formulas are then put on one line each, because
            Jupyter takes a quotation mark `>` inside a formula for a part of it.

        Raises:
            BookError: the text holds something that the converter does not know.
        """
        lines = text.split("\n")
        out: list[str] = []
        done = 0
        for block in blocks(self.parser, text, self.document.path, line):
            out += lines[done : block.start]
            out += self._block(block, lines, line, nested)
            done = block.end
        out += lines[done:]
        plain = re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip("\n")
        if not nested:
            self._nothing_left(plain, line)
        return plain

    def caption(self, text: str, line: int) -> str:
        """A figure's caption: inline text on one line."""
        return " ".join(self.convert(text, line, nested=True).split())

    def _nothing_left(self, plain: str, line: int) -> None:
        outside_code = re.sub(r"^(`{3,}|~{3,})\w*\n.*?^\1\s*$", "", plain, flags=re.M | re.S)
        left = LEFTOVER.search(outside_code)
        if left:
            raise BookError(
                f"the converter left {left[0].strip()!r} behind", self.document.path, line
            )

    def _block(self, block: Block, lines: list[str], line: int, nested: bool) -> list[str]:
        at = line + block.start
        own = lines[block.start : block.end]
        indent = re.match(r"\s*", own[0])[0] if own else ""  # type: ignore[index]
        if block.kind == "code":
            return own
        if block.kind in ("target", "comment"):
            return []
        if block.kind in ("text", "table"):
            return self.inline.convert("\n".join(own), block.inline, at).split("\n")
        if block.kind == "heading":
            return self._heading(block, at)
        if block.kind == "math":
            made = self._math(block.content, block.label, nested)
        elif block.kind == "amsmath":
            made = self._amsmath(block.content, nested)
        elif block.kind == "definitions":
            made = self._definitions(block, lines, line)
        else:
            assert block.directive is not None
            made = self._directive(block.directive, at, nested)
        blank = [""] if block.end < len(lines) and lines[block.end].strip() else []
        return [f"{indent}{text}" if text else text for text in made.split("\n")] + blank

    def _heading(self, block: Block, at: int) -> list[str]:
        title = self.inline.convert(block.content, block.inline, at)
        number = self.index.sections.get((self.document.name, at), "")
        return [" ".join(part for part in ("#" * block.level, number, title) if part)]

    def _math(self, content: str, label: str, nested: bool) -> str:
        content = content.strip("\n").strip()
        if label:
            content += f" \\tag{{{self.index.labels[label].number}}}"
        if nested:
            return f"$${' '.join(content.split())}$$"
        return f"$$\n{content}\n$$"

    def _amsmath(self, content: str, nested: bool) -> str:
        match = re.fullmatch(r"\\begin\{(\w+)\*\}(.*)\\end\{\1\*\}\s*", content.strip(), re.S)
        if match is None or match[1] not in ALIGNED:
            raise BookError(
                f"only {', '.join(f'{name}*' for name in ALIGNED)} are converted, not: "
                f"{content.strip().splitlines()[0]}", self.document.path,
            )  # fmt: skip
        inner = ALIGNED[match[1]]
        body = match[2].strip()
        body = f"\\begin{{{inner}}}\n{body}\n\\end{{{inner}}}" if inner else body
        return self._math(body, "", nested)

    def _definitions(self, block: Block, lines: list[str], line: int) -> str:
        out = []
        for kind, start, end in block.items:
            own = lines[start:end]
            if kind == "dt":
                out.append(f"**{self.convert(chr(10).join(own), line + start, nested=True)}**  ")
            else:
                own[0] = re.sub(r"^\s*:\s+", "", own[0])
                body = "\n".join([own[0], *(re.sub(r"^ {1,4}", "", text) for text in own[1:])])
                out += [self.convert(body, line + start, nested=True), ""]
        return "\n".join(out).rstrip()

    def _directive(self, found: Directive, at: int, nested: bool) -> str:
        if found.name == "math":
            content = found.body or found.argument
            return self._math(content, found.options.get("label", ""), nested)
        if found.name == "dropdown" or "dropdown" in found.classes:
            return self._details(found, at)
        if found.name in QUOTED:
            return self._quote(found, at)
        if found.name in ("figure", "image"):
            return self._figure(found, at)
        if found.name == "table":
            head = self._numbered(found, "Table", found.argument, at)
            return f"{head}{self.convert(found.body, found.body_line, nested=True)}"
        if found.name in ("code-block", "code"):
            return f"```{found.argument}\n{found.body}\n```"
        if found.name == "explorer":
            return self._explorer(found)
        if found.name == "quiz":
            return self._quiz(found, at)
        raise BookError(f"unknown directive {{{found.name}}}", self.document.path, at)

    def _quote(self, found: Directive, at: int) -> str:
        title, body = found.argument, found.body
        if found.name not in TITLED:
            body = "\n".join(part for part in (title, body) if part)
            title = NAMES.get(found.name, found.name.capitalize()) if found.name != "margin" else ""
        parts = [f"**{self.caption(title, at)}**", ""] if title else []
        parts += self.convert(body, found.body_line, nested=True).split("\n") if body else []
        return "\n".join(f"> {text}".rstrip() for text in parts)

    def _details(self, found: Directive, at: int) -> str:
        title = html.escape(self.caption(found.argument or "More", at), quote=False)
        title = re.sub(r"`([^`]+)`", r"<code>\1</code>", title)
        body = self.convert(found.body, found.body_line, nested=True)
        return f"<details>\n<summary><b>{title}</b></summary>\n\n{body}\n\n</details>"

    def _figure(self, found: Directive, at: int) -> str:
        alt = " ".join(found.options.get("alt", "").split())
        if not alt:
            raise BookError("a picture needs :alt: text", self.document.path, at)
        here = posixpath.dirname(self.document.name)
        path = found.argument
        if not path.startswith(("http://", "https://")):
            path = posixpath.normpath(
                path.lstrip("/") if path.startswith("/") else posixpath.join(here, path)
            )
            if not (self.index.book.source / path).is_file():
                raise BookError(f"there is no picture {found.argument!r}", self.document.path, at)
            path = self.index.book.raw(f"book/{path}")
        picture = f"![{alt.replace('[', '(').replace(']', ')')}]({path})"
        if found.name == "image" or not found.body:
            return picture
        return f"{picture}\n\n{self._numbered(found, 'Figure', found.body, at)}".rstrip()

    def _explorer(self, found: Directive) -> str:
        """A notebook has a live kernel: the cell before makes the same explorer of widgets."""
        where = self.index.url(self.document.page, found.options.get("label", ""))
        caption = self.convert(found.body, found.body_line, nested=True)
        return (
            f"{caption}\n\n*This describes [the explorer on the site]({where}), which runs without "
            "a kernel. In this notebook, sliders and buttons do what the mouse does there.*"
        )

    def _quiz(self, found: Directive, at: int) -> str:
        """The question, its options as a list, and one fold for each answer."""
        try:
            quiz = read_quiz(found.argument, found.body)
        except QuizError as error:
            raise BookError(str(error), self.document.path, at) from error
        parts = [f"**Question {quiz.number}**", self._part(quiz.question, found)]
        parts += [f"- **{one.letter}.** {self._part(one.words, found)}" for one in quiz.options]
        asked = "\n\n".join(parts[:2]) + "\n\n" + "\n".join(parts[2:])
        folds = [
            f"<details>\n<summary>You answer {one.letter}</summary>\n\n"
            f"**{one.verdict}** {self._part(one.why, found)}\n\n</details>"
            for one in quiz.options
        ]
        return "\n\n".join([asked, *folds])

    def _part(self, text: Text, found: Directive) -> str:
        return self.convert(text.markdown, found.body_line + text.offset, nested=True)

    def _numbered(self, found: Directive, word: str, caption: str, at: int) -> str:
        if not caption:
            return ""
        name = found.options.get("name")
        if not name:
            raise BookError(
                f"give this {word.lower()} a :name:, so that it has its number everywhere",
                self.document.path, at,
            )  # fmt: skip
        number = self.index.labels[name].number
        return f"**{word} {number}.** {self.caption(caption, found.body_line)}\n\n"
