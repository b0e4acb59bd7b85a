"""An echo server on Debian's python3-websockets that knows what it did.

Prints {"port": n} once it listens on 127.0.0.1. Each line "counts" on its input is answered by a line of what it counted so far;
the end of its input ends it.
"""

import argparse
import asyncio
import json
import sys
import time

import websockets
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay-ms", type=float, default=0, help="wait this long before each answer")
    parser.add_argument("--swallow-every", type=int, default=0, help="give no answer to every nth message over all connections")
    parser.add_argument("--pieces", type=int, default=1, help="answer in this many fragments")
    parser.add_argument("--ping", action="store_true", help="ping before each answer and between its fragments")
    parser.add_argument("--close-after", type=int, default=0, help="close each connection after answering this many messages")
    parser.add_argument("--close-at", type=int, default=0, help="close each connection in place of answering its nth message")
    parser.add_argument("--close-code", type=int, default=1000)
    parser.add_argument("--close-reason", default="")
    parser.add_argument("--deflate", action="store_true", help="compress, where a client offers it")
    parser.add_argument("--no-context-takeover", action="store_true", help="but each message for itself, in both directions")
    parser.add_argument("--socket", help="listen at this Unix socket and at no port")
    return parser.parse_args()


def extensions(conduct):
    if not conduct.deflate:
        return []
    forgets = conduct.no_context_takeover
    return [ServerPerMessageDeflateFactory(server_no_context_takeover=forgets, client_no_context_takeover=forgets)]


class EchoServer:
    def __init__(self, conduct):
        self.conduct = conduct
        self.counts = dict.fromkeys(
            ["connections", "received", "received_binary", "received_bytes", "sent", "swallowed", "pings", "pongs", "handled_ns"], 0)
        self.counts["close_codes"] = {}

    async def serve_connection(self, socket, path=None):
        self.counts["connections"] += 1
        try:
            await self.converse(socket)
        except websockets.ConnectionClosed:
            pass
        await socket.wait_closed()
        # What the client said when it left: 1006 where it left without a close frame.
        code = str(socket.close_code)
        self.counts["close_codes"][code] = self.counts["close_codes"].get(code, 0) + 1

    async def converse(self, socket):
        answered = 0
        async for message in socket:
            came = time.monotonic_ns()
            self.count_received(message)
            if self.conduct.close_at and answered + 1 == self.conduct.close_at:
                return await socket.close(self.conduct.close_code, self.conduct.close_reason)
            if self.conduct.swallow_every and self.counts["received"] % self.conduct.swallow_every == 0:
                self.counts["swallowed"] += 1
                continue
            if self.conduct.delay_ms:
                await asyncio.sleep(self.conduct.delay_ms / 1000)
            await self.answer(socket, message, came)
            answered += 1
            if answered == self.conduct.close_after:
                return await socket.close(self.conduct.close_code, self.conduct.close_reason)

    def count_received(self, message):
        self.counts["received"] += 1
        self.counts["received_binary"] += isinstance(message, bytes)
        self.counts["received_bytes"] += len(message if isinstance(message, bytes) else message.encode())

    async def answer(self, socket, message, came):
        if self.conduct.ping:
            await self.ping(socket)
        self.counts["sent"] += 1
        self.counts["handled_ns"] += time.monotonic_ns() - came
        await socket.send(message if self.conduct.pieces == 1 else self.pieces_of(socket, message))

    async def pieces_of(self, socket, message):
        length = -(-len(message) // self.conduct.pieces)
        for start in range(0, len(message), length):
            if start > 0 and self.conduct.ping:
                await self.ping(socket)
            yield message[start:start + length]

    async def ping(self, socket):
        self.counts["pings"] += 1
        (await socket.ping()).add_done_callback(self.count_pong)

    def count_pong(self, pong):
        if not pong.cancelled() and pong.exception() is None:
            self.counts["pongs"] += 1


async def answer_questions(server):
    questions = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    while await questions.readline() == b"counts\n":
        print(json.dumps(server.counts), flush=True)


async def main():
    server = EchoServer(options())
    # A message of any size, and room for every client of the stress scenario to knock at once.
    path = server.conduct.socket
    settings = {"max_size": None, "backlog": 1024, "compression": None, "extensions": extensions(server.conduct)}
    serving = (websockets.unix_serve(server.serve_connection, path, **settings) if path else
               websockets.serve(server.serve_connection, "127.0.0.1", 0, **settings))
    async with serving as listening:
        print(json.dumps({"port": 0 if path else listening.sockets[0].getsockname()[1]}), flush=True)
        await answer_questions(server)


asyncio.run(main())
