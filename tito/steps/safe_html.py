"""HTML that a student wrote, made safe to be read with an instructor's rights."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html import escape

import nh3
from jinja2 import pass_context

TAGS = set(
    "a abbr b blockquote br caption cite code col colgroup dd del details div dl dt em figcaption "
    "figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub "
    "summary sup table tbody td tfoot th thead tr u ul var".split()
)
ATTRIBUTES = {
    "*": {"title", "align", "lang"},
    "a": {"href"},
    "details": {"open"},
    "div": {"class"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "pre": {"class"},
    "span": {"class"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
PICTURE = re.compile(r"data:image/(png|jpeg|gif|svg\+xml);base64,[A-Za-z0-9+/=\s]*")
HIGHLIGHT = re.compile(r"(highlight|[a-z]{1,2}\d?)( |\Z)")
LOADED = re.compile(r"\\(href|url|html\w+|cssId|class|style|require|includegraphics)(?![A-Za-z])")

# To clean HTML takes a time that grows with the square of each of these.
MOST_TAGS = 20_000
MOST_DEPTH = 200  # of tags in tags
MOST_ENTITIES = 20_000
MOST_ATTRIBUTES = 1_000  # of one tag
LONGEST = 2_000_000  # characters, of which a picture may be most
MOST_TEXT = 100_000  # characters of what has more

TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
ALONE = set("area base br col embed hr img input link meta source track wbr".split())
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
BETWEEN = re.compile(r"[\s/=]")


def safe(html: str) -> str:
    """HTML without anything that runs, loads, or imitates the page around it.

    Parameters
    ----------
    html : str
        From anybody.

    Returns
    -------
    str
        With text, tables, folds, links, and pictures that it holds itself.
    """
    if is_dear(html):
        return f"<pre>{escape(html[:MOST_TEXT])}</pre>"
    cleaned = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "data"},
    )
    return LOADED.sub(r"\\text", cleaned)  # MathJax would make links and classes of these


def is_dear(html: str) -> bool:
    """Whether it would take seconds to clean some HTML."""
    return (
        len(html) > LONGEST
        or html.count("<") > MOST_TAGS
        or html.count("&") > MOST_ENTITIES
        or _depth(html) > MOST_DEPTH
        or any(len(BETWEEN.findall(tag)) > MOST_ATTRIBUTES for tag in _texts_of_tags(html))
    )


def _depth(html: str) -> int:
    """How deep tags are nested at most, as far as their names tell."""
    deepest, depth, open_now = 0, 0, Counter()
    for closes, name in TAG.findall(html):
        name = name.lower()
        if name in ALONE:
            continue
        if not closes:
            open_now[name] += 1
            depth += 1
            deepest = max(deepest, depth)
        elif open_now[name]:
            open_now[name] -= 1
            depth -= 1
    return deepest


def _texts_of_tags(html: str) -> Iterator[str]:
    """What stands within each tag, without what is quoted."""
    for part in QUOTED.sub("", html).split("<")[1:]:
        yield part.partition(">")[0]


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "src":
        return value if PICTURE.fullmatch(value) else None
    if name == "href":
        return value if re.match(r"(https?|mailto):", value) else None
    if name == "class":
        return value if HIGHLIGHT.fullmatch(value) else None
    return value


@pass_context
def markdown2html(context, source: str) -> str:
    """A filter of nbconvert's: Markdown as safe HTML."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        """A picture that is not there leaves its text, and does not stop the page."""

        def image(self, text: str, url: str, title: str | None = None) -> str:
            try:
                return super().image(text, url, title)
            except Exception:  # an attachment that is missing, or is none
                return escape(text)

    attachments = context.get("cell", {}).get("attachments", {})
    renderer = Renderer(escape=False, attachments=attachments, exclude_anchor_links=True)
    try:
        return safe(MarkdownWithMath(renderer=renderer).render(source))
    except Exception:  # it is to be read all the same
        return f"<pre>{escape(source)}</pre>"
