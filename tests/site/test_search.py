"""The search page of the built site, from disk with the network cut, asked as a reader would."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.site.visits import LOCAL, VARIANTS, browser_context

pytestmark = [pytest.mark.browser, pytest.mark.slow]
EXTENSIONS = Path(__file__).parents[2] / "book" / "_ext"
NOTATION, GLOSSARY = "notation.html#symbol", "glossary.html#term"

# What must be among the first three results.
FIRST = {
    "mode collapse": f"{GLOSSARY}-mode-collapse",
    "ELBO": f"{GLOSSARY}-ELBO",
    "reparameterization": f"{GLOSSARY}-reparameterisation",
    "reparameterisation": f"{GLOSSARY}-reparameterisation",
    "evidence lower bound": f"{GLOSSARY}-ELBO",
    "PCA": f"{GLOSSARY}-principal-component-analysis",
    "reverse KL": f"{GLOSSARY}-forward-and-reverse-KL",
    "Jensen-Shannon": f"{GLOSSARY}-JensenShannon-divergence",
    "Wasserstein": f"{GLOSSARY}-Wasserstein-distance",
    "frechet": f"{GLOSSARY}-Frechet-distance",
    "Fréchet": f"{GLOSSARY}-Frechet-distance",
    "WGAN": f"{GLOSSARY}-WGAN",
    "latent arithmetic": "chapters/06-vae-gan.html#latent-arithmetic",
    "post-mortem": "chapters/05-wgan-gp.html#the-post-mortem",
    "μ": f"{NOTATION}-mu",
    "σ²": f"{NOTATION}-log-sigma-2",
    "λ": f"{NOTATION}-lambda",
    "ε": f"{NOTATION}-epsilon",
    "φ": f"{NOTATION}-phi",
    "ϕ": f"{NOTATION}-phi",
    "θ": f"{NOTATION}-theta",
    "γ": f"{NOTATION}-gamma",
    "β": f"{NOTATION}-beta",
    "D*": f"{NOTATION}-d-l",
    "W₁": f"{NOTATION}-w1-p-q",
    "W_1": f"{NOTATION}-w1-p-q",
    "mu": f"{NOTATION}-mu",
    "sigma": f"{NOTATION}-sigma",
    "lambda": f"{NOTATION}-lambda",
    "epsilon": f"{NOTATION}-epsilon",
    "\\mu": f"{NOTATION}-mu",
    "\\varepsilon": f"{NOTATION}-epsilon",
    "log sigma^2": f"{NOTATION}-log-sigma-2",
    "log_var": f"{NOTATION}-log-sigma-2",
    "KL(q||p)": f"{NOTATION}-kl-p-q",
    "MSE": f"{NOTATION}-mse",
    "check_kl": "api/exercises.html#genlib.exercises.chapter2.check_kl",
    "elbo_terms": "api/losses.html#genlib.losses.elbo_terms",
    "elbo terms": "api/losses.html#genlib.losses.elbo_terms",
    "ELBO_Terms": "api/losses.html#genlib.losses.elbo_terms",
    "gradient_penalty": "api/losses.html#genlib.losses.gradient_penalty",
    "gradient penalty": f"{GLOSSARY}-gradient-penalty",
    "genlib.losses": "api/losses.html#genlib.losses.squared_error",
    "genlib.losses.psnr": "api/losses.html#genlib.losses.psnr",
    "ConvVAE": "api/models.html#genlib.models.vae.ConvVAE",
    "Exercise 4.2": "chapters/04-gan.html#exercise-4-2",
    "exercise 2.4": "chapters/02-kl-divergence.html#exercise-2-4",
    "reverse water-filling": "chapters/03-vae.html#where-the-curve-is-known",
    "install": "how-to-use.html#run-it-at-home",
    "colab": "how-to-use.html#run-it-on-colab",
    "cuda": "how-to-use.html#run-it-at-home",
    "licence": "index.html#licence-and-citing",
    "license": "index.html#licence-and-citing",
    "how do I cite": "index.html#licence-and-citing",
    "quiz": "chapters/01-autoencoders.html#quiz-1-1",
    "question 2.3": "chapters/02-kl-divergence.html#quiz-2-3",
    "Kingma 2014": "bibliography.html#cite-kingma2014auto",
    "Gulrajani": "bibliography.html#cite-gulrajani2017improved",
    "Auto-Encoding Variational Bayes": "bibliography.html#cite-kingma2014auto",
    "checkerboard": f"{GLOSSARY}-checkerboard-artefact",
    "interval": f"{GLOSSARY}-Wilson-s-interval",
}
# What must be the first result: other names of a thing, other spellings, slips of the finger.
BEST = {
    "D_KL": f"{GLOSSARY}-KL-divergence",
    "DKL": f"{GLOSSARY}-KL-divergence",
    "relative entropy": f"{GLOSSARY}-KL-divergence",
    "JS divergence": f"{GLOSSARY}-JensenShannon-divergence",
    "jensen inequality": f"{GLOSSARY}-Jensen-s-inequality",
    "logvar": f"{NOTATION}-log-sigma-2",
    "x̂": f"{NOTATION}-x-3",
    "Λ": f"{NOTATION}-m-lambda",
    "λ": f"{NOTATION}-lambda",
    "sigma": f"{NOTATION}-sigma",
    "N(0, I)": f"{NOTATION}-n-mu-sigma",
    "N(0,1)": f"{NOTATION}-n-mu-sigma",
    "reparam": f"{GLOSSARY}-reparameterisation",
    "reparametrisation": f"{GLOSSARY}-reparameterisation",
    "reparametrization trick": f"{GLOSSARY}-reparameterisation",
    "modes": f"{GLOSSARY}-mode-collapse",
    "W1": f"{NOTATION}-w1-p-q",
    "earth mover": f"{GLOSSARY}-Wasserstein-distance",
    "EMD": f"{GLOSSARY}-Wasserstein-distance",
    "wgan_gp": f"{GLOSSARY}-WGAN-GP",
    "WGAN-GP": f"{GLOSSARY}-WGAN-GP",
    "gp": f"{GLOSSARY}-gradient-penalty",
    "BatchNorm": f"{GLOSSARY}-batch-normalisation",
    "batchnorm2d": f"{GLOSSARY}-batch-normalisation",
    "batch normalization": f"{GLOSSARY}-batch-normalisation",
    "vae loss": f"{GLOSSARY}-ELBO",
    "BCE": f"{GLOSSARY}-binary-cross-entropy",
    "fid score": f"{GLOSSARY}-FID",
    "MMD": f"{GLOSSARY}-maximum-mean-discrepancy",
    "slerp": f"{GLOSSARY}-great-circle",
    "minimax": f"{GLOSSARY}-value-of-the-game",
    "lipschitz constraint": f"{GLOSSARY}-Lipschitz-constant",
    "critics": f"{GLOSSARY}-critic",
    "autoencoders": f"{GLOSSARY}-autoencoder",
    "spectral norm": f"{GLOSSARY}-spectral-normalisation",
    "resume training": f"{GLOSSARY}-checkpoint",
    "Wilson": f"{GLOSSARY}-Wilson-s-interval",
    "exercise 3.2": "chapters/03-vae.html#exercise-3-2",
    "3.2": "chapters/03-vae.html#exercise-3-2",
    "kl_div in pytorch": "chapters/02-kl-divergence.html#kl-div-in-pytorch",
    "gan loss": "chapters/04-gan.html",
    "autoencodr": f"{GLOSSARY}-autoencoder",
    "wassersteinn distance": f"{GLOSSARY}-Wasserstein-distance",
    "lipshitz constant": f"{GLOSSARY}-Lipschitz-constant",
    "mode colapse": f"{GLOSSARY}-mode-collapse",
    "jensenshanon divergence": f"{GLOSSARY}-JensenShannon-divergence",
    '"mode collapse"': f"{GLOSSARY}-mode-collapse",
}
Answers = Callable[[str], dict[str, Any]]
LIST = "#search-results ul.search li"
RESULTS = f"""() => [...document.querySelectorAll("{LIST}")].map((item) => ({{
  url: item.querySelector("a").getAttribute("href"),
  kind: item.querySelector(".search-kind").textContent,
  text: item.querySelector(".context")?.textContent ?? "",
}}))"""


@dataclass
class Asked:
    """The search page after one query."""

    page: Page
    results: list[dict[str, str]]
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def window(browser_path: str) -> Iterator[BrowserContext]:
    with browser_context(browser_path, VARIANTS[0]) as context:
        yield context


def ask(window: BrowserContext, site: Path, query: str) -> Asked:
    page = window.new_page()
    asked = Asked(page, [])
    page.on("pageerror", lambda error: asked.complaints.append(str(error)))
    page.on(
        "console", lambda said: asked.complaints.append(said.text) if said.type == "error" else 0
    )
    page.on(
        "request",
        lambda sent: 0 if sent.url.startswith(LOCAL) else asked.complaints.append(sent.url),
    )
    page.goto(f"{(site / 'search.html').as_uri()}?q={quote(query)}", wait_until="load")
    page.wait_for_function("document.querySelector('[role=status]')?.textContent")
    asked.results = page.evaluate(RESULTS)
    return asked


@pytest.fixture(scope="module")
def answers(window: BrowserContext, site: Path) -> Iterator[Answers]:
    """The search page, open once for many queries: opening it takes longer than answering."""
    asked = ask(window, site, "KL")
    assert asked.complaints == []
    yield lambda query: asked.page.evaluate("q => genlibSearchPage.respond(q)", query)
    asked.page.close()


@pytest.mark.parametrize("query", FIRST)
def test_first_three(answers: Answers, query: str) -> None:
    results = answers(query)["results"]
    assert FIRST[query] in [result["url"] for result in results[:3]]
    assert len(results) < 80


@pytest.mark.parametrize("query", BEST)
def test_the_first(answers: Answers, query: str) -> None:
    assert answers(query)["results"][0]["url"] == BEST[query]


@pytest.mark.parametrize("query", ["", "   ", "\t\u00a0"])
def test_an_empty_query_is_no_miss(answers: Answers, query: str) -> None:
    assert answers(query) == {"results": [], "said": "Type a word, a symbol or a name of the code."}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("gausian", "Did you mean “gaussian”?"),
        ("guassian", "Did you mean “gaussian”?"),
        ("lipshitz constant", "Did you mean “lipschitz constant”?"),
        ("N(0, I)", "This is like it:"),
        ("vae xylophone", "some of its words"),
        ("2031", "no word that is looked for"),
        ("a" * 3000, "Try another word"),
        ("xylophone " * 500, "Try another word"),
        ("Größe", "Try another word"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_query_that_is_not_in_the_book(
    answers: Answers, query: str, said: str
) -> None:
    answer = answers(query)
    assert said in answer["said"]
    assert len(answer["said"]) < 250
    assert bool(answer["results"]) == (
        said not in ("Try another word", "no word that is looked for")
    )


def test_the_text_comes_before_the_reference(answers: Answers) -> None:
    """Among sections: those of chapters before the library's pages, as long as both say it."""
    found = [r["url"] for r in answers("Lipschitz")["results"] if r["kind"] == "section"]
    chapters = [url.startswith("chapters/") for url in found]
    assert chapters.index(True) < chapters.index(False)


def test_no_result_gives_an_answer_away(
    answers: Answers, window: BrowserContext, site: Path
) -> None:
    """What a quiz says of its options is in no text that the search shows."""
    shown = (site / "_static" / "search-entries.js").read_text(encoding="utf8")
    page = window.new_page()
    page.goto((site / "chapters" / "02-kl-divergence.html").as_uri(), wait_until="load")
    why = page.locator(".quiz-why > p:not(.quiz-verdict)").first.text_content()
    page.close()
    assert why
    assert " ".join(why.split()[:4]) not in shown
    assert answers("question 2.1")["results"][0]["text"]


@pytest.mark.parametrize(
    ("query", "kind", "word"),
    [
        ("λ", "symbol in Notation", "gradient penalty"),
        ("mode collapse", "glossary term", "never produced"),
        ("check_kl", "function in Exercises", "KL"),
        ("Exercise 4.2", "exercise in GANs and their loss", "my_discriminator_step"),
        ("reverse water-filling", "section in The VAE", "water-filling"),
    ],
)
def test_a_result_says_what_it_is(
    window: BrowserContext, site: Path, query: str, kind: str, word: str
) -> None:
    asked = ask(window, site, query)
    asked.page.close()
    assert asked.results[0]["kind"].startswith(kind)
    assert word in asked.results[0]["text"]


def test_every_result_leads_somewhere(window: BrowserContext, site: Path) -> None:
    """Each address of the search page's data is a page with that anchor."""
    asked = ask(window, site, "KL")
    urls = asked.page.evaluate(
        """() => {
          const {pages, entries, sections} = window.genlibSearch;
          return [...entries.map((e) => [pages[e[2]][0], e[3]]),
                  ...sections.map((s) => [pages[s[0]][0], s[1]])];
        }"""
    )
    asked.page.close()
    texts: dict[str, str] = {}
    lost = []
    for page, anchor in urls:
        if page not in texts:
            texts[page] = (site / f"{page}.html").read_text(encoding="utf8")
        if anchor and f'id="{anchor}"' not in texts[page]:
            lost.append(f"{page}.html#{anchor}")
    assert len(urls) > 1000
    assert lost == []


def test_nothing_found_is_said(window: BrowserContext, site: Path) -> None:
    asked = ask(window, site, "xylophone quartet")
    assert asked.results == []
    assert "xylophone quartet" in asked.page.inner_text("[role=status]")
    asked.page.close()


@pytest.mark.parametrize(
    ("query", "meant"),
    [("reconstrution", f"{GLOSSARY}-reconstruction"), ("mode colapse", f"{GLOSSARY}-mode-collapse"),
     ("qwertyuiop", None)],
)  # fmt: skip
def test_a_slip_of_the_finger(
    window: BrowserContext, site: Path, query: str, meant: str | None
) -> None:
    asked = ask(window, site, query)
    assert ("Did you mean" in asked.page.inner_text("[role=status]")) == (meant is not None)
    asked.page.close()
    assert [result["url"] for result in asked.results[:1]] == ([meant] if meant else [])


def test_a_query_is_text_and_no_markup(window: BrowserContext, site: Path) -> None:
    asked = ask(window, site, "<img src=x onerror=alert(1)> KL")
    assert asked.complaints == []
    assert asked.page.locator("#search-results img").count() == 0
    asked.page.close()


TEXTS = [
    "log σ²", "\\log \\sigma^2", "W₁(p, q)", "Fréchet", "check_kl_to_prior", "genlib.losses.psnr",
    "reparameterisation", "reparametrisation", "colour centre programme", "labelled grey licence",
    "\\varepsilon \\mathcal N(0, I)", "D*", "∇f(x̂)", "Jensen–Shannon", "q_φ(z | x)", "__init__",
    "ϕ ϑ ϵ ς", "Wilson's", "64×64", "…", "",
]  # fmt: skip


def test_query_and_index_make_the_same_words(
    window: BrowserContext, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    words = importlib.import_module("search_words").words
    asked = ask(window, site, "KL")
    told = asked.page.evaluate("texts => texts.map(splitQuery)", TEXTS)
    asked.page.close()
    assert dict(zip(TEXTS, told, strict=True)) == {text: words(text) for text in TEXTS}


def test_the_dialog_leads_here(window: BrowserContext, site: Path) -> None:
    page = window.new_page()
    page.goto((site / "chapters" / "04-gan.html").as_uri(), wait_until="load")
    page.keyboard.press("Control+k")
    page.wait_for_function("document.activeElement.matches('.search-button__wrapper input')")
    page.keyboard.type("λ")
    page.keyboard.press("Enter")
    page.wait_for_selector(LIST)
    assert page.evaluate(RESULTS)[0]["url"] == FIRST["λ"]
    page.close()


def test_other_pages_do_not_load_the_data(site: Path) -> None:
    loading = [
        path.name for path in site.rglob("*.html")
        if "search-entries.js" in path.read_text(encoding="utf8")
    ]  # fmt: skip
    assert loading == ["search.html"]
