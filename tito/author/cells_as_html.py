"""Cells of a notebook as HTML that runs nothing and loads nothing, formulas included."""

from __future__ import annotations

import functools
import re
from html import escape

import nh3
from markupsafe import Markup

from tito.steps.safe_html import safe

LONGEST_TEXT = 20_000  # characters of one output that are shown
MOST_KEPT = 4096  # fragments; most cells of a class are those of the lesson
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
MATHML = set(
    "math mi mn mo ms mtext mspace mrow mfrac msqrt mroot mstyle mpadded mphantom msub msup "
    "msubsup munder mover munderover mmultiscripts mprescripts none mtable mtr mtd menclose".split()
)
MATH_ATTRIBUTES = {
    "math": {"display"},
    "mo": {"stretchy", "fence", "separator", "form", "movablelimits", "minsize", "maxsize"},
    "mi": {"mathvariant"},
    "mspace": {"width", "linebreak"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mtable": {"columnalign", "rowspacing", "columnspacing"},
    "mtd": {"columnalign"},
    "mfrac": {"linethickness"},
    "munder": {"accentunder"},
    "mover": {"accent"},
}
PLACE = re.compile(r"⟦(\d+)⟧")


def source_html(source: str) -> Markup:
    """Program text, coloured."""
    return _highlighted(source)


@functools.lru_cache(maxsize=MOST_KEPT)
def _highlighted(source: str) -> Markup:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    inner = highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return Markup(f'<pre tabindex="0" class="code"><code>{inner.rstrip()}</code></pre>')


@functools.cache
def highlighting() -> Markup:
    """The colours of `source_html`, for light and dark pages."""
    from pygments.formatters import HtmlFormatter

    light = HtmlFormatter(style="xcode").get_style_defs(".code")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".code")
    rules = [[r for r in text.splitlines() if r.startswith(".code .")] for text in (light, dark)]
    inside = "\n".join(rules[1])
    return Markup("\n".join(rules[0]) + f"\n@media (prefers-color-scheme: dark) {{\n{inside}\n}}")


@functools.lru_cache(maxsize=MOST_KEPT)
def markdown_html(source: str) -> Markup:
    """Markdown as safe HTML, with formulas as MathML, which browsers draw themselves."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    formulas: list[Markup] = []

    class Renderer(IPythonRenderer):
        """Leaves a place for each formula, and the text of a picture that is not in the page."""

        def block_math(self, body: str) -> str:
            formulas.append(formula_html(body, "block"))
            return f"⟦{len(formulas) - 1}⟧"

        def latex_environment(self, name: str, body: str) -> str:
            return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")

        def inline_math(self, body: str) -> str:
            formulas.append(formula_html(body, "inline"))
            return f"⟦{len(formulas) - 1}⟧"

        def image(self, text: str, url: str, title: str | None = None) -> str:
            return escape(text)

    plain = source.replace("⟦", "[").replace("⟧", "]")
    try:
        renderer = Renderer(escape=False, attachments={}, exclude_anchor_links=True)
        html = safe(MarkdownWithMath(renderer=renderer).render(plain))
    except Exception:  # it is to be read all the same
        return Markup(f"<pre>{escape(source)}</pre>")
    return Markup(PLACE.sub(lambda found: formulas[int(found[1])], html))


@functools.lru_cache(maxsize=MOST_KEPT)
def formula_html(latex: str, display: str) -> Markup:
    """A formula as MathML; as its text where it is none.

    Parameters
    ----------
    latex : str
        Without dollar signs, from anybody.
    display : str
        ``"block"`` or ``"inline"``.
    """
    from latex2mathml.converter import convert

    try:
        made = convert(latex.strip(), display=display)
    except Exception:  # of what is no formula
        return Markup(f"<code>{escape(latex)}</code>")
    return Markup(nh3.clean(made, tags=MATHML, attributes=MATH_ATTRIBUTES))


def outputs_html(outputs: list[dict]) -> Markup:
    """The outputs of a cell."""
    return Markup("").join(map(_output_html, outputs))


def plain_text(text) -> str:
    """A text of an output: joined, without colours, and not too long."""
    joined = ANSI.sub("", "".join(text) if isinstance(text, list) else str(text))
    return joined[:LONGEST_TEXT] + ("\n…" if len(joined) > LONGEST_TEXT else "")


def _output_html(output: dict) -> Markup:
    kind = output.get("output_type")
    if kind == "stream":
        return _pre(plain_text(output.get("text", "")))
    if kind == "error":
        return _pre(plain_text("\n".join(map(str, output.get("traceback", [])))))
    data = output.get("data") or {}
    for picture in ("image/svg+xml", "image/png", "image/jpeg"):
        if picture in data:
            return _picture(picture, data[picture])
    if "text/html" in data:
        return Markup(safe(_joined(data["text/html"])))
    if "text/markdown" in data:
        return markdown_html(_joined(data["text/markdown"]))
    if "text/latex" in data:
        return formula_html(_joined(data["text/latex"]).strip("$"), "block")
    return _pre(plain_text(data["text/plain"])) if "text/plain" in data else Markup("")


def _picture(kind: str, content) -> Markup:
    import base64

    text = _joined(content)
    if kind == "image/svg+xml":
        text = base64.b64encode(text.encode()).decode()
    if not re.fullmatch(r"[A-Za-z0-9+/=\s]*", text):
        return Markup("")
    return Markup(
        '<p><img alt="a picture that this cell shows" src="data:{};base64,{}"></p>'
    ).format(kind, "".join(text.split()))


def _joined(text) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def _pre(text: str) -> Markup:
    return (
        Markup('<pre tabindex="0">{}</pre>').format(text.rstrip("\n"))
        if text.strip()
        else Markup("")
    )
