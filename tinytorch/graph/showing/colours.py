"""The colours of a picture, for light and for dark surroundings.

A picture stands on a ground of its own: shown as an image it cannot know the page around it. Every
pair of a text or line and the ground below it has a contrast of at least 4.5 to 1 (WCAG, level AA).
"""

from __future__ import annotations

LIGHT = {
    "ground": "#ffffff",
    "ink": "#1f2328",
    "quiet": "#555d66",
    "edge": "#57606a",
    "leaf": "#ddf0ff",
    "leaf-line": "#0a4f9e",
    "computed": "#f3f5f7",
    "computed-line": "#4b545d",
    "constant": "#ffffff",
    "constant-line": "#57606a",
    "output": "#fff3c4",
    "output-line": "#7a4b00",
    "gradient": "#9c1c4b",
    "active": "#ffe1ec",
    "active-line": "#9c1c4b",
}
DARK = {
    "ground": "#16191f",
    "ink": "#e9eef4",
    "quiet": "#a9b3be",
    "edge": "#a0aab5",
    "leaf": "#0d2c4c",
    "leaf-line": "#85c4ff",
    "computed": "#22272e",
    "computed-line": "#a0aab5",
    "constant": "#16191f",
    "constant-line": "#a0aab5",
    "output": "#3d3108",
    "output-line": "#ecc158",
    "gradient": "#ff9dbf",
    "active": "#4a1229",
    "active-line": "#ff9dbf",
}

# What is drawn on what.
PAIRS = [
    *[
        (text, fill)
        for fill in ("leaf", "computed", "constant", "output", "active")
        for text in ("ink", "quiet", "gradient")
    ],
    *[(text, "ground") for text in ("ink", "quiet", "gradient", "edge", "active-line")],
    *[
        (f"{kind}-line", on)
        for kind in ("leaf", "computed", "constant", "output", "active")
        for on in (kind, "ground")
    ],
]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, written as #rrggbb.

    References
    ----------
    Web Content Accessibility Guidelines 2.2, "contrast ratio" and "relative luminance".
    """
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of a colour, from 0 to 1."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def custom_properties(colours: dict[str, str]) -> str:
    """The colours as custom properties of CSS."""
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())
