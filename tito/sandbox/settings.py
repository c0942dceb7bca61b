"""The sandbox's settings in nbgrader_config.py."""

from __future__ import annotations

from traitlets import Bool, Integer, List, Unicode
from traitlets.config import Configurable

from tito import sandbox
from tito.sandbox.policy import Policy

DEFAULT = Policy()


class Sandbox(Configurable):
    """Where submissions are run, and what they may use; sizes are in bytes."""

    enabled = Bool(True, help="Without it, submissions are run with your rights.")
    backend = Unicode(help="bubblewrap, landlock or container; by default the first that works.")
    address_space = Integer(DEFAULT.address_space, help="What one process may map.")
    memory = Integer(DEFAULT.memory, help="What all processes may hold together.")
    cpu_seconds = Integer(DEFAULT.cpu_seconds, help="Of one process.")
    processes = Integer(DEFAULT.processes, help="And threads, together.")
    open_files = Integer(DEFAULT.open_files, help="Of one process.")
    file_size = Integer(DEFAULT.file_size, help="Of the largest file.")
    folder_size = Integer(DEFAULT.folder_size, help="Of all files in the folder; of /tmp as well.")
    shm_size = Integer(DEFAULT.shm_size, help="Of shared memory.")
    hidden_packages = List(
        Unicode(), list(DEFAULT.hidden_packages), help="Installed, but not to be imported."
    )
    image = Unicode(DEFAULT.image, help="The container image: Python and numpy.")

    def policy(self) -> Policy:
        """The settings as the sandbox takes them."""
        values = {name: getattr(self, name) for name in SETTINGS}
        return Policy(**values | {"hidden_packages": tuple(self.hidden_packages)})


SETTINGS = Sandbox.class_own_traits()
for _trait in SETTINGS.values():
    _trait.tag(config=True)


def use_settings(parent: Configurable) -> None:
    """Make the settings of a step of grading those of the sandboxes that it starts."""
    sandbox.use(Sandbox(parent=parent).policy())
