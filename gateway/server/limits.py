"""What a connection may cost: how long the parts of a request may be, and how long they may take."""

MAX_TARGET_BYTES = 32 * 1024
"""The longest path with its query; prompts may be in it beside a raw audio body."""

MAX_HEADER_BYTES = 16 * 1024
"""The longest single header, name and value."""

MAX_HEADERS = 200
"""The most headers of a request."""

MAX_HEAD_BYTES = 64 * 1024
"""The longest head. As much may come as trailers behind a body, or between its chunks."""

FRAMING_BYTES = 8
"""What may frame each byte of a body beyond that: a chunk of one byte has five around it."""

MAX_PIPELINED = 16
"""The most requests that may wait on one connection while another is answered."""

IDLE_SECONDS = 75.0
"""How long a connection may be silent before and between requests; clients and proxies keep theirs for 60 s or less."""

HANDSHAKE_SECONDS = 10.0
"""How long a TLS handshake may take."""

HEAD_SECONDS = 15.0
"""How long the head of a request may take to arrive, from its first byte."""

BODY_SECONDS = 30.0
"""How long a body that the application waits for may be silent."""

BODY_BYTES_PER_SECOND = 1024
"""The slowest that it may come beyond that; a live recording at a low bit rate is faster."""

LINGER_SECONDS = 5.0
"""How long a client that is still sending may take to read its refusal before the connection is cut."""

LINGER_BYTES = 64 * 1024 * 1024
"""How much of it is read and discarded meanwhile: many clients read nothing before they have sent all. Nothing is read
of a body that is longer than this."""

READ_SECONDS = 120.0
"""How long a client may read nothing of what it is sent, once no more fits into the buffers."""

READ_BYTES_PER_SECOND = 1024
"""The slowest that it may read beyond that; speech at a low bit rate is faster."""

FLUSH_SECONDS = 30.0
"""How long a client may take to read the end of its last answer."""

MESSAGE_BYTES = 24 * 1024 * 1024
"""The longest message of a WebSocket: 15 MiB of audio in base64, as OpenAI takes it, and what is around that."""

SMALL_MESSAGE_BYTES = 64 * 1024
"""How much of an unfinished message is not counted as memory of all request bodies."""

GOODBYE_SECONDS = 1.0
"""How long applications may take to close their WebSockets when the server ends."""

MAX_FRAGMENTS = 16 * 1024
"""The most fragments of one message."""

PING_SECONDS = 20.0
"""How often the client of a WebSocket is asked whether it is there, and how long it may take to say so."""
