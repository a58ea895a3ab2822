"""How the parts of a process are put together, a room at a time; `create_app` calls one after the
other.

Nothing here does anything but to make parts and to hand them what they work with.
"""
