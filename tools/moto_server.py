"""Serves moto on a free port, prints its endpoint, and ends when its standard input does.

The input is a pipe from the process that started this one: it closes when that process ends,
however it ends, so that no server outlives it.
"""

import os
import signal
import sys
from functools import cache
from threading import Lock

from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

# Ctrl-C reaches every process of a terminal; whoever started the server still needs it then.
signal.signal(signal.SIGINT, signal.SIG_IGN)

# moto looks into its folders with every request to find what it serves: half of a request's time.
DomainDispatcherApplication.get_backend_for_host = cache(
    DomainDispatcherApplication.get_backend_for_host
)

# moto walks through what other requests change meanwhile, and answers with a 500 then.
one_at_a_time = Lock()
serve = DomainDispatcherApplication.__call__


def serve_alone(self, environ, start_response):
    with one_at_a_time:
        return serve(self, environ, start_response)


DomainDispatcherApplication.__call__ = serve_alone

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"http://{host}:{port}", flush=True)
sys.stdin.buffer.read()
os._exit(0)
