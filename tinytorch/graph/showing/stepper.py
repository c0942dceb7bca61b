"""A stepper for notebooks: radio buttons and CSS, no JavaScript.

Where styles are stripped (a notebook that is not trusted), the stepper stays hidden, and the
picture of the last frame and the steps in words are shown in its place. (``hidden`` has a value,
because JupyterLab strips it otherwise.)
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from html import escape

from tinytorch.graph.reading.nodes import Graph
from tinytorch.graph.reading.numbers import brief, plus
from tinytorch.graph.reading.words import describe
from tinytorch.graph.showing.colours import DARK, LIGHT, custom_properties
from tinytorch.graph.showing.picture import image
from tinytorch.graph.showing.svg import PADDING, RULES, Drawing, heading
from tinytorch.graph.walking_back.backward import Step


def stepper(graph: Graph, steps: list[Step], frames: list[str]) -> str:
    """The backward pass as HTML with one radio button for each frame.

    Parameters
    ----------
    graph : Graph
        Named, with its gradients.
    steps : list of Step
        Of the backward pass.
    frames : list of str
        What to say in each frame: the beginning, and then each step.

    Returns
    -------
    str
        Several of them on one page do not disturb each other.
    """
    name = f"tt{secrets.token_hex(4)}"
    title = escape(f"Backward pass from {graph.output.name} in {len(steps)} steps")
    last = Drawing(graph).svg(describe(graph))
    radios = "".join(radio(name, i, frame) for i, frame in enumerate(frames))
    labels = "".join(label(name, i) for i in range(len(frames)))
    told = [escape(frame).replace("\n", "<br>") for frame in frames]
    captions = "".join(f'<p class="f{i}">{frame}</p>' for i, frame in enumerate(told))
    listed = "".join(f"<li>{frame}</li>" for frame in told)
    return (
        f'<div id="{name}" role="group" aria-label="{title}">'
        f"<style>{style(name, len(frames))}</style>"
        f'<div class="stage" hidden="hidden">{radios}<div class="bar">{labels}</div>'
        f'<div class="says" aria-live="polite">{captions}</div>{stage(graph, steps)}</div>'
        f'<div class="plain">{image(last, describe(graph))}</div>'
        f"<details><summary>{title}, in words</summary><ol start='0'>{listed}</ol></details></div>"
    )


def radio(name: str, number: int, frame: str) -> str:
    """The button of a frame; its label in words is the beginning of the frame."""
    words = escape(frame.partition(";")[0].partition(",")[0])
    checked = " checked" if number == 0 else ""
    return (  # JupyterLab would take the arrow keys for itself
        f'<input type="radio" name="{name}" id="{name}-{number}" aria-label="{words}"{checked} '
        'data-lm-suppress-shortcuts="true">'
    )


def label(name: str, number: int) -> str:
    """What can be clicked in place of the button."""
    return f'<label for="{name}-{number}">{number or "start"}</label>'


def style(name: str, count: int) -> str:
    """The style of one stepper, which applies to nothing else."""
    here, light, dark = f"#{name}", custom_properties(LIGHT), custom_properties(DARK)
    rules = [
        f"{here}{{{light}}}@media(prefers-color-scheme:dark){{{here}{{{dark}}}}}",
        f'[data-jp-theme-light="true"] {here}{{{light}}}',
        f'[data-jp-theme-light="false"] {here}{{{dark}}}',
        f"{here} .plain{{display:none}}",
        f"{here} .stage{{display:block;background:var(--ground);color:var(--ink);padding:10px;"
        "border:1px solid var(--edge);border-radius:8px;width:fit-content;max-width:100%;"
        "box-sizing:border-box;min-width:min(100%,34em);position:relative}",
        f"{here} input{{position:absolute;opacity:0;width:1px;height:1px;margin:0}}",
        f"{here} .bar{{display:flex;flex-wrap:wrap;gap:6px}}",
        f"{here} label{{border:1.5px solid var(--edge);border-radius:6px;padding:2px 10px;"
        "cursor:pointer;font-weight:400;margin:0}",
        f"{here} .says{{min-height:6em;width:0;min-width:100%;margin:8px 2px;line-height:1.4}}",
        f"{here} .says p{{display:none;margin:0}}",
        f"{here} svg{{max-width:100%;height:auto}}",
        f"{here} .s{{visibility:hidden}}",
        *(f"{here} svg {rule}" for rule in RULES),
        f"{here} svg .ground{{stroke:none}}",
        f"{here} .now{{fill:var(--active);stroke:var(--active-line);stroke-width:3.5}}",
        f"{here} .back{{fill:none;stroke:var(--active-line);stroke-width:3.5}}",
        f"{here} .backhead{{fill:var(--active-line)}}",
    ]
    for i in range(count):
        chosen = f"#{name}-{i}:checked~"
        rules += [
            f"{chosen}.says .f{i}{{display:block}}",
            f"{chosen}svg .s{i}{{visibility:visible}}",
            f"{chosen}.bar [for={name}-{i}]{{background:var(--active);font-weight:700;"
            "border-color:var(--active-line);text-decoration:underline}",
            f"#{name}-{i}:focus-visible~.bar [for={name}-{i}]"
            "{outline:3px solid var(--leaf-line);outline-offset:2px}",
        ]
    return "".join(rules)


def stage(graph: Graph, steps: list[Step]) -> str:
    """The picture with everything that is shown in some frame only."""
    texts = gradient_texts(graph, steps)
    lines = {
        id(node): [
            *heading(node),
            [("quiet", "value "), ("", brief(node.array))],
            [("gradient", max(["", *(text for _, text in texts[id(node)])], key=len))],
        ]
        for node in graph.nodes
    }
    drawing = Drawing(graph, lines)
    for node in graph.nodes:
        lines[id(node)][-1] = []  # its place is kept
    active = {id(step.node): i for i, step in enumerate(steps, 1)}
    active[id(graph.output)] = active.get(id(graph.output), 0)
    nodes = ""
    for i, node in enumerate(graph.nodes):
        x, y, width, height = drawing.rectangle(i)
        below = above = ""
        if (frame := active.get(id(node))) is not None:
            below = (
                f'<rect class="now s s{frame}" x="{x:.1f}" y="{y:.1f}" rx="4" '
                f'width="{width:.1f}" height="{height:.1f}"/>'
            )
        for shown, text in shown_in(texts[id(node)], len(steps) + 1):
            above += (
                f'<text class="gradient s {shown}" x="{x + PADDING:.1f}" '
                f'y="{y + height - 12:.1f}">{escape(text)}</text>'
            )
        nodes += drawing.node(i, below, above)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{drawing.full_width:.0f}" '
        f'height="{drawing.full_height:.0f}" viewBox="0 0 {drawing.full_width:.1f} '
        f'{drawing.full_height:.1f}" aria-hidden="true">{drawing.ground()}{drawing.edges()}'
        f"{edges_back(drawing, steps)}{nodes}{drawing.footer()}</svg>"
    )


def edges_back(drawing: Drawing, steps: list[Step]) -> str:
    """The edges along which a gradient goes, each shown in its step."""
    number: dict[tuple[int, int], int] = {}
    for node in drawing.graph.nodes:
        for slot in range(len(node.inputs)):
            number[id(node), slot] = len(number)
    return "".join(
        drawing.edge_back(number[id(step.node), c.slot], f"s s{i}")
        for i, step in enumerate(steps, 1)
        for c in step.contributions
    )


def gradient_texts(graph: Graph, steps: list[Step]) -> dict[int, list[tuple[int, str]]]:
    """For each node, from which frame on its gradient is which text."""
    texts: dict[int, list[tuple[int, str]]] = {id(node): [(0, "")] for node in graph.nodes}
    texts[id(graph.output)] = [(0, f"gradient {brief(graph.output.gradient)}")]
    for frame, step in enumerate(steps, 1):
        by_target = defaultdict(list)
        for contribution in step.contributions:
            by_target[id(contribution.target)].append(contribution)
        for target, parts in by_target.items():
            terms = [c.part for c in parts]
            if parts[0].before is not None:
                terms.insert(0, parts[0].before)
            total = brief(parts[-1].total)
            added = f"{plus(*terms)} = {total}" if len(terms) > 1 else total
            added = added if len(added) < 40 else f"{total}, a sum of {parts[-1].count}"
            texts[target].append((frame, f"gradient {added}"))
    return texts


def shown_in(texts: list[tuple[int, str]], count: int) -> list[tuple[str, str]]:
    """The classes of the frames in which each text is shown."""
    ends = [start for start, _ in texts[1:]] + [count]
    return [
        (" ".join(f"s{i}" for i in range(start, end)), text)
        for (start, text), end in zip(texts, ends, strict=True)
        if text
    ]
