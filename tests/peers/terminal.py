"""What a program writes where somebody looks on."""

import contextlib
import os
import pty
import subprocess
import termios


def on_a_terminal(*command):
    """Its status, and what it writes to a terminal of 80 columns that is its standard error."""
    looks, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=terminal) as running:
        os.close(terminal)
        seen = b""
        # A terminal that nobody writes to any more is an error (EIO) on Linux.
        with contextlib.suppress(OSError):
            while part := os.read(looks, 4096):
                seen += part
        os.close(looks)
        return running.wait(timeout=120), seen.decode()
