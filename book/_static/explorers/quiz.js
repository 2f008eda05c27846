// Counts first answers to the page's questions, marks them, and keeps them in this browser.
//
// A question works without this script: each option is a <details> that holds its explanation.
// A screen reader says of it that it is open, and not whether it is right: that is told here.
"use strict";

(() => {
  const KEY = "genlib-quiz";

  /** First answers by question: {"2.1": {option: "B", right: true}}. Storage may be refused. */
  function recall() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY));
      return kept && typeof kept === "object" && !Array.isArray(kept) ? kept : {};
    } catch {
      return {};
    }
  }

  function keep(answers) {
    try {
      localStorage.setItem(KEY, JSON.stringify(answers));
    } catch {
      // Private windows and some browsers on files: it counts until the page is left.
    }
  }

  const quizzes = [...document.querySelectorAll(".quiz")];
  if (!quizzes.length) return;
  let answers = recall();

  const tally = document.createElement("p");
  tally.className = "quiz-tally";
  const count = document.createElement("span");
  count.setAttribute("aria-live", "polite");
  const again = document.createElement("button");
  again.type = "button";
  again.className = "quiz-again";
  again.textContent = "Start over";
  again.setAttribute("aria-label", "Start over: forget the answers to this chapter's questions");
  tally.append(count, again);
  const verdict = document.createElement("span");
  verdict.className = "quiz-said";
  verdict.setAttribute("role", "status");
  tally.append(verdict);
  quizzes.at(-1).append(tally);

  function show() {
    const given = quizzes.map((quiz) => answers[quiz.dataset.quiz]).filter(Boolean);
    const right = given.filter((answer) => answer.right).length;
    count.textContent = `${right} of ${quizzes.length} questions of this chapter right at the `
      + `first try; ${quizzes.length - given.length} not answered yet.`;
    again.hidden = !given.length;
    quizzes.forEach(mark);
  }

  /** Write "first answer" beside the option that was opened first, also after a reload. */
  function mark(quiz) {
    quiz.querySelector(".quiz-first")?.remove();
    const first = answers[quiz.dataset.quiz]?.option;
    const words = [...quiz.querySelectorAll(".quiz-option")]
      .find((option) => option.dataset.letter === first)?.querySelector("summary");
    if (!words) return;
    const note = document.createElement("span");
    note.className = "quiz-first";
    note.textContent = answers[quiz.dataset.quiz].right ? "first answer: right" : "first answer";
    words.append(note);
  }

  for (const quiz of quizzes) {
    for (const option of quiz.querySelectorAll(".quiz-option")) {
      option.addEventListener("toggle", () => {
        if (!option.open) return;
        const { letter, right } = option.dataset;
        verdict.textContent = `${quiz.dataset.quiz}, ${letter}: `
          + (right === "true" ? "right." : "not this one.");
        if (answers[quiz.dataset.quiz]) return;
        answers[quiz.dataset.quiz] = { option: letter, right: right === "true" };
        keep(answers);
        show();
      });
    }
  }
  again.addEventListener("click", () => {
    for (const quiz of quizzes) {
      delete answers[quiz.dataset.quiz];
      quiz.querySelectorAll(".quiz-option[open]").forEach((option) => { option.open = false; });
    }
    keep(answers);
    verdict.textContent = "";
    show();
    quizzes[0].querySelector("summary").focus();
  });
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY) return; // another tab answered
    answers = recall();
    show();
  });
  show();
})();
