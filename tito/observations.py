"""What hidden tests are written with; see `tito.judge.observations`."""

from tito.judge.observations import (
    choice,
    integers,
    message_of,
    normal,
    observe,
    raised,
    uniform,
)

__all__ = ["choice", "integers", "message_of", "normal", "observe", "raised", "uniform"]
