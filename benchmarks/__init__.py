"""Side-by-side measurements: each against a named floor or peer, in one run, on one machine."""
