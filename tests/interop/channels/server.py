"""Django Channels on Daphne that knows what it did.

Prints {"port": n} once it listens on 127.0.0.1. Each line "counts" on its input is answered by a line of what its consumers counted so
far; the end of its input ends it.
"""

import json
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

import daphne.server
import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

django.setup()

import chat


def tell(what):
    print(json.dumps(what), flush=True)


def tell_port(server):
    tell({"port": server.listening_addresses[0][1]})


def answer_questions():
    while sys.stdin.readline() == "counts\n":
        tell({"heard": dict(chat.heard), "said": dict(chat.said), "gone": dict(chat.gone)})
    os._exit(0)


threading.Thread(target=answer_questions, daemon=True).start()
server = daphne.server.Server(
    ProtocolTypeRouter({"websocket": URLRouter([path("chat", chat.ChatConsumer.as_asgi())])}),
    endpoints=["tcp:port=0:interface=127.0.0.1:backlog=1024"],
    ping_interval=None,
    # Two hundred knock at once, and the machine may be busy.
    websocket_handshake_timeout=60,
    websocket_connect_timeout=60,
    signal_handlers=False)
server.ready_callable = lambda: tell_port(server)
server.run()
