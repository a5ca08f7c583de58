"""Start, stop, rewire, and the regular tick that settles, repairs and ends a run. Runs asynchronously, with a role of its own.

Every step can be repeated: an action that died half-way is asked for again, and finds what it had done.
"""

from functions.lifecycle.actions import Lifecycle

__all__ = ["Lifecycle"]
