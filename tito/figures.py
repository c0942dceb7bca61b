"""What lessons draw and measure with; see `tito.checks.figures`."""

from tito.checks.figures import *  # noqa: F403
