"""A submission that tries to run in the pages of those who read it.

Each attempt would add its name to `window.ran`, or ask a server on port 9 for it.
"""

from __future__ import annotations

import base64

from conftest import cell_of, reference

from tito.course import Module


def script(name: str) -> str:
    """JavaScript that shows that it ran."""
    return f"window.ran=(window.ran||[]).concat('{name}')"


def svg(name: str) -> str:
    """An SVG image with a script."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" onload="{script(name)}" width="9" height="9">'
        f'<script>{script(name)}</script><a href="javascript:{script(name)}"><text>x</text></a></svg>'
    )


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def html_attempts(where: str) -> list[str]:
    """Ways to run JavaScript from HTML, each on a line."""
    s = script(where)
    return [
        f"<script>{s}</script>",
        f"<ScRiPt src='data:text/javascript,{s}'></sCrIpT>",
        f'<img src=x onerror="{s}">',
        f'<img src="x" OnError={s}>',
        svg(where),
        f'<math><mtext><table><mglyph><style><img src=x onerror="{s}"></style></mglyph></table></mtext></math>',
        f'<noscript><p title="</noscript><img src=x onerror=&quot;{s}&quot;>"></noscript>',
        f'<details open ontoggle="{s}"><summary>open</summary></details>',
        f"<iframe srcdoc='<script>parent.{s}</script>'></iframe>",
        f'<iframe src="javascript:{s}"></iframe>',
        f'<object data="data:text/html,<script>{s}</script>"></object><embed src="javascript:{s}">',
        f'<a id="click" href="javascript:{s}">a link</a>',
        f'<a href="jAvA&#10;script:{s}">another link</a>',
        f'<a href=" &#1;javascript:{s}">a third link</a>',
        f'<a href="data:text/html,<script>{s}</script>">a fourth link</a>',
        f'<form action="javascript:{s}"><input type=submit value=go><button formaction="javascript:{s}">b</button></form>',
        f'<input autofocus onfocus="{s}"><video><source onerror="{s}"></video>',
        '<meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/refresh">',
        '<base href="http://127.0.0.1:9/"><link rel=stylesheet href="http://127.0.0.1:9/css">',
        '<style>@import "http://127.0.0.1:9/import"; body{display:none}</style>',
        '<div style="position:fixed;inset:0;background:url(http://127.0.0.1:9/style)">over all</div>',
        '<img src="http://127.0.0.1:9/picture"><img srcset="http://127.0.0.1:9/set 2x">',
        f'<img src="data:image/svg+xml;base64,{encoded(svg(where))}">',
        f'--><!--><img src=x onerror="{s}">--!><img src=x onerror="{s}">',
        f'<textarea></textarea><img src=x onerror="{s}"><title></title><svg><desc><img src=x onerror="{s}"></desc></svg>',
    ]


def markdown_attempts(where: str) -> list[str]:
    """Ways that lead through Markdown and mathematics."""
    s = script(where)
    return [
        *html_attempts(where),
        f"[a link](javascript:{s})",
        f"[a link](  JaVaScRiPt:{s} 'title')",
        f"[a link][ref]\n\n[ref]: javascript:{s}",
        f"<javascript:{s}>",
        f'![picture](x"onerror="{s})',
        f'![" onerror="{s}](attachment:evil.svg)',
        "![picture](http://127.0.0.1:9/markdown)",
        rf"$\href{{javascript:{s}}}{{click}}$",
        rf"$$\unicode{{<img src=x onerror={s}>}}\class{{x}}{{y}}\style{{background:url(http://127.0.0.1:9/tex)}}{{z}}$$",
        rf"$\require{{html}}\cssId{{x}}{{\hr<b></b>ef{{javascript:{s}}}{{click}}}}$ $\hr<!-- -->ef{{javascript:{s}}}{{c}}$",
        rf"$&#92;href{{javascript:{s}}}{{click}}$ $\HREF{{javascript:{s}}}{{c}}$",
        rf"$</span><img src=x onerror={s}>$",
        rf"\\(<img src=x onerror={s}>\\)",
        f"```html\n</code></pre><script>{s}</script>\n```",
        f'```x"><img src=x onerror={s}>\ntext\n```',
        f"`</code><img src=x onerror={s}>`",
        f"| a |\n| --- |\n| <img src=x onerror={s}> |",
    ]


# Outputs that a kernel sends, beside those that its functions make.
OUTPUTS = r"""
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display, publish_display_data
for text in ATTEMPTS:
    display(HTML(text), Markdown(text), Latex(text))
display(Javascript(JS), SVG(PICTURE))
kinds = ["application/javascript", "text/html", "text/markdown", "text/latex", "image/svg+xml",
         "application/vnd.jupyter.widget-view+json", "image/png", "image/jpeg", "application/pdf",
         "text/vnd.mermaid", "text/plain"]
for kind in kinds:
    publish_display_data({kind: ATTEMPTS[2]}, metadata={kind: {"alt": ATTEMPTS[2], "width": '1" onload="' + JS}})
publish_display_data({"image/png": 'x" onerror="' + JS + '"'}, metadata={"filenames": {"image/png": '" onerror="' + JS}})
print("\x1b[31m" + ATTEMPTS[2] + "\x1b]8;;javascript:" + JS + "\x07link\x1b]8;;\x07 http://127.0.0.1:9/printed")
kernel = getattr(get_ipython(), "kernel", None)
if kernel:
    def send(kind, content):
        kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent())
    send("stream", {"name": ATTEMPTS[2], "text": ATTEMPTS[2]})
    send("execute_input", {"code": "", "execution_count": ATTEMPTS[2]})
    send("execute_result", {"execution_count": ATTEMPTS[2], "data": {"text/plain": ATTEMPTS[2]}, "metadata": {}})
    send("error", {"ename": ATTEMPTS[2], "evalue": ATTEMPTS[2], "traceback": [ATTEMPTS[2]]})
"""


def hostile_notebook(module: Module) -> dict:
    """A reference solution that carries all of them, in every place where there is one."""
    nb = reference(module)
    cell_of(nb, "why-inverse")["source"] = "\n\n".join(markdown_attempts("answer"))
    double = cell_of(nb, "double")
    double["source"] += f"\n\nraise_it = {html_attempts('source')[2]!r}"
    given = (
        f"ATTEMPTS = {html_attempts('output')!r}\nJS = {script('output')!r}\n"
        f"PICTURE = {svg('output')!r}{OUTPUTS}"
    )
    attachment = {
        "evil.svg": {"image/svg+xml": encoded(svg("attachment"))},
        '"><img src=x onerror=1>': {"image/png": f'x" onerror="{script("attachment")}"'},
    }
    identity = f'"><img src=x onerror={script("identity")}>'
    for name, kind, source in (
        ("markdown", "markdown", "\n\n".join(markdown_attempts("markdown"))),
        ("raw", "raw", "\n".join(html_attempts("raw"))),
        ("code", "code", given),
        (
            "error",
            "code",
            f"raise type('<img src=x onerror={script('error')}>', (Exception,), {{}})"
            f"({html_attempts('error')[2]!r})",
        ),
    ):
        cell = {
            "id": f"evil-{name}",
            "cell_type": kind,
            "source": source,
            "metadata": {
                "tags": [identity],
                "alt": identity,
                "name": identity,
                "raw_mimetype": "text/html",
                "nbgrader": {
                    "grade_id": identity,
                    "schema_version": 3,
                    "grade": False,
                    "solution": True,
                    "locked": False,
                    "task": False,
                },
            },
        }
        if kind == "markdown":
            cell["attachments"] = attachment
        if kind == "code":
            cell |= {"outputs": [], "execution_count": None}
        nb["cells"].append(cell)
    nb["metadata"] |= {
        "title": identity,
        "authors": [{"name": identity}],
        "widgets": {
            "application/vnd.jupyter.widget-state+json": {
                "state": {},
                "evil": "</script>" + html_attempts("widgets")[0],
            },
        },
    }
    nb["metadata"]["language_info"] = {"name": identity, "pygments_lexer": identity}
    return nb
