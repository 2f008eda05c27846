// Counts first answers to the page's questions, and keeps them in this browser.
//
// A question works without this script: each option is a <details> that holds its explanation.
"use strict";

(() => {
  const KEY = "genlib-quiz";

  /** First answers by question: {"2.1": {option: "B", right: true}}. Storage may be refused. */
  function recall() {
    try {
      return JSON.parse(localStorage.getItem(KEY)) ?? {};
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
  tally.append(count, again);
  quizzes.at(-1).append(tally);

  function show() {
    const given = quizzes.map((quiz) => answers[quiz.dataset.quiz]).filter(Boolean);
    const right = given.filter((answer) => answer.right).length;
    count.textContent = `${right} of ${quizzes.length} questions of this chapter right at the `
      + `first try; ${quizzes.length - given.length} not answered yet.`;
    again.hidden = !given.length;
  }

  for (const quiz of quizzes) {
    for (const option of quiz.querySelectorAll(".quiz-option")) {
      option.addEventListener("toggle", () => {
        if (!option.open || answers[quiz.dataset.quiz]) return;
        const { letter, right } = option.dataset;
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
