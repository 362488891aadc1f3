"""The state machine of a session: inputs in, commands out, without I/O, clock or ids of its own."""
