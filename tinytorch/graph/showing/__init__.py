"""Pictures, and the stepper of a notebook."""
