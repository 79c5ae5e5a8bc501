"""Finding a port to listen on."""

import socket

TRIED = 50


def free_port(wanted: int, *, but: int = 0) -> int:
    """Return `wanted` or the next port that is free on 127.0.0.1, never `but`; 0 means any."""
    candidates = () if wanted == 0 else range(wanted, min(wanted + TRIED, 65536))
    for port in (*(port for port in candidates if port != but), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("No port is free on 127.0.0.1.")
