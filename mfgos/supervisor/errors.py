"""The one error a person sees: what is wrong, where, and what to do."""


class SupervisorError(RuntimeError):
    """One sentence for the terminal; never shown with a trace."""
