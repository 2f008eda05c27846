"""The search page of the built site, from disk with the network cut, asked as a reader would."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
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
}
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


@pytest.mark.parametrize("query", FIRST)
def test_first_three(window: BrowserContext, site: Path, query: str) -> None:
    asked = ask(window, site, query)
    asked.page.close()
    assert asked.complaints == []
    assert FIRST[query] in [result["url"] for result in asked.results[:3]]
    assert len(asked.results) < 80


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
    assert len(urls) > 500
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
    "reparameterisation", "colour centre programme", "\\varepsilon \\mathcal N(0, I)", "D*",
    "∇f(x̂)", "Jensen–Shannon", "q_φ(z | x)", "__init__", "ϕ ϑ ϵ ς", "Wilson's", "64×64", "…", "",
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
    page.wait_for_timeout(300)
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
