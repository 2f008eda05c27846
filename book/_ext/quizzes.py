"""`{quiz} 2.1`: a question whose options explain themselves when they are opened.

Each option is a `<details>`, so that a page without scripts marks answers too; `quiz.js` counts.
"""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from living import add_page_file
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tools.quiz import QuizError, Text, read_quiz


class quiz(nodes.General, nodes.Element):  # docutils names nodes so
    """One question with its options."""


class quiz_option(nodes.General, nodes.Element):
    """One option: `quiz_words`, then the explanation."""


class quiz_words(nodes.General, nodes.TextElement):
    """What an option says, inside its `<summary>`."""


class QuizDirective(SphinxDirective):
    """The question and its options; see `tools.quiz` for the form."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        try:
            found = read_quiz(self.arguments[0], "\n".join(self.content))
        except QuizError as error:
            raise self.error(str(error)) from error
        made = quiz("", ids=[found.anchor], number=found.number)
        made += nodes.paragraph(
            "", f"Question {found.number}", classes=["quiz-title"], ids=[f"{found.anchor}-title"]
        )
        made += self._parse(found.question)
        for option in found.options:
            made += quiz_option(
                "", quiz_words("", "", *self._inline(option.words)), *self._parse(option.why),
                letter=option.letter, right=option.right, verdict=option.verdict,
                group=found.anchor,
            )  # fmt: skip
        return [made]

    def _parse(self, text: Text) -> list[nodes.Node]:
        holder = nodes.Element()
        lines = StringList(text.markdown.split("\n"), source=self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset + text.offset, holder)
        return list(holder.children)

    def _inline(self, text: Text) -> list[nodes.Node]:
        parsed = self._parse(text)
        if len(parsed) != 1 or not isinstance(parsed[0], nodes.paragraph):
            raise self.error(f"quiz {self.arguments[0]}: an option is one paragraph")
        return list(parsed[0].children)


def visit_quiz(self: Any, node: quiz) -> None:
    anchor = node["ids"][0]
    self.body.append(
        f'<div class="quiz" id="{anchor}" role="group" aria-labelledby="{anchor}-title" '
        f'data-quiz="{node["number"]}">\n'
    )


def depart_quiz(self: Any, node: quiz) -> None:
    self.body.append("</div>\n")


def visit_option(self: Any, node: quiz_option) -> None:
    self.body.append(
        f'<details class="quiz-option" name="{node["group"]}" data-letter="{node["letter"]}" '
        f'data-right="{str(node["right"]).lower()}">'
    )


def depart_option(self: Any, node: quiz_option) -> None:
    self.body.append("</div></details>\n")


def visit_words(self: Any, node: quiz_words) -> None:
    letter = node.parent["letter"]
    self.body.append(f'<summary><span class="quiz-letter">{letter}</span><span class="quiz-words">')


def depart_words(self: Any, node: quiz_words) -> None:
    verdict = node.parent["verdict"]
    self.body.append(
        '</span></summary>\n<div class="quiz-why">'
        f'<p class="quiz-verdict"><strong>{verdict}</strong></p>'
    )


def add_files(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    if 'class="quiz"' in str(context.get("body", "")):
        add_page_file(app, "explorers/quiz.js")
        add_page_file(app, "explorers/explorers.css")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(quiz, html=(visit_quiz, depart_quiz))
    app.add_node(quiz_option, html=(visit_option, depart_option))
    app.add_node(quiz_words, html=(visit_words, depart_words))
    app.add_directive("quiz", QuizDirective)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
