"""What Sphinx needs besides: formulas that browsers draw, and places that keys can reach."""

from __future__ import annotations

import re

from tito.author.cells_as_html import formula_html

PRE = re.compile(r"<pre(?=[ >])(?![^>]*tabindex)")
SIGN = re.compile(r"`[^`]*`|\||(?<=\w)_(?!\w)")  # |x| and name_ mean something else to Sphinx
SCROLLS = re.compile(r'<div class="(table-wrapper[^"]*)"')


def setup(app) -> dict:
    """Tell Sphinx of it."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.add_config_value("hidden_source", [], "env")
    app.connect("env-before-read-docs", _hide_source)
    app.connect("html-collect-pages", _forget_hidden, priority=100)  # before viewcode's
    app.connect("html-page-context", _reach_by_keys)
    app.connect("html-page-context", _give_level, priority=900)  # after the theme's
    app.connect("autodoc-process-docstring", _plain_signs, priority=400)  # before numpydoc's
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator, node) -> None:
    from docutils.nodes import SkipNode

    translator.body.append(formula_html(node.astext(), "inline"))
    raise SkipNode


def _block(translator, node) -> None:
    from docutils.nodes import SkipNode

    formula = formula_html(node.astext(), "block")
    translator.body.append(f'<div class="formula" tabindex="0">{formula}</div>\n')
    raise SkipNode


def _hide_source(app, env, names) -> None:
    """Have the source of what students write not be shown by `sphinx.ext.viewcode`."""
    shown = getattr(env, "_viewcode_modules", {})
    env._viewcode_modules = shown | dict.fromkeys(app.config.hidden_source, False)


def _forget_hidden(app) -> list:
    """Have the list of modules with a source not name those without."""
    shown = app.env._viewcode_modules
    app.env._viewcode_modules = {name: entry for name, entry in shown.items() if entry}
    return []


def _reach_by_keys(app, page, template, context, doctree) -> None:
    """Give what may be wider than the page a place in the order of the tabulator key."""
    body = context.get("body")
    if body:
        body = PRE.sub('<pre tabindex="0"', body)
        context["body"] = SCROLLS.sub(r'<div tabindex="0" class="\1"', body)


def _give_level(app, page, template, context, doctree) -> None:
    """Say which level the headings of the theme's list of pages have."""
    tree = context.get("furo_navigation_tree") or ""
    context["furo_navigation_tree"] = tree.replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )


def _plain_signs(app, what, name, obj, options, lines: list[str]) -> None:
    """Have bars and last underscores in the prose of docstrings mean themselves."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[number] = SIGN.sub(_escaped, line)


def _escaped(found: re.Match) -> str:
    return found[0] if found[0].startswith("`") else f"\\{found[0]}"
