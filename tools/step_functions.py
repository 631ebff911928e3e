"""Serves a moto that executes state machines, and prints its endpoint. It ends when its input does.

Whatever an execution has to do with the world goes to the server whose port is the argument: its AWS
calls, its waits (POST /wait, answered when they are over) and its JSONata (POST /jsonata), for which
moto has no evaluator.
"""

import json
import os
import sys
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import urlopen

port = os.environ["MOTO_PORT"] = sys.argv[1]

from moto.core.config import default_user_config
from moto.stepfunctions import models
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval import variable_store
from moto.stepfunctions.parser.asl.jsonata import jsonata
from moto.stepfunctions.parser.models import stepfunctions_parser_backends


def ask(path, question):
    with urlopen(f"http://127.0.0.1:{port}/{path}", json.dumps(question).encode()) as answer:
        return json.load(answer)


def evaluate(expression):
    try:
        return ask("jsonata", expression)
    except HTTPError as error:
        raise jsonata.JSONataException("UNKNOWN", error.read().decode())


def declare(variables):
    return "".join(f"{name}:={json.dumps(value)};" for name, value in variables.items())


default_user_config["stepfunctions"] = {"execute_state_machine": True}
# Where CloudFormation puts a state machine.
models.stepfunctions_backends = stepfunctions_parser_backends
jsonata._eval_jsonata = evaluate
# moto's own escapes nothing.
variable_store.encode_jsonata_variable_declarations = declare
WaitFunction._wait_interval = lambda self, env, wait_seconds: ask("wait", wait_seconds)
retrier_decl.time = SimpleNamespace(sleep=lambda seconds: ask("wait", seconds))

import moto_server  # noqa: E402,F401: it serves until its input ends
