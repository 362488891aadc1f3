"""The realtime session: OpenAI's Realtime protocol as a state machine, and what runs it.

A session is spoken of in two vocabularies. Inputs (``inputs.py``) are what happens: a client's event, a sound of
speech, a piece of an answer. Commands (``commands.py``) are what is to be done: send an event, recognise speech,
answer. ``session.py`` maps one to the other; it does no I/O, reads no clock and makes no ids of its own, so that a test
of a conversation is a list of inputs and the commands that each of them leads to.

Driver: reads inputs from one bounded queue, calls ``Session.handle`` and runs the commands.
Ears: voice activity, the end of a turn and live transcription; they turn the audio of the session into inputs.
Transport: a WebSocket or a WebRTC connection; it reads client events and writes server events.
"""
