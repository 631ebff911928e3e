"""Serves moto on a free port, prints its endpoint, and ends when its standard input does.

The input is a pipe from the process that started this one: it closes when that process ends,
however it ends, so that no server outlives it.
"""

import os
import signal
import sys

from moto.moto_server.threaded_moto_server import ThreadedMotoServer

# Ctrl-C reaches every process of a terminal; whoever started the server still needs it then.
signal.signal(signal.SIGINT, signal.SIG_IGN)

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"http://{host}:{port}", flush=True)
sys.stdin.buffer.read()
os._exit(0)
