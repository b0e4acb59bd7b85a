"""An echo server on Debian's python3-aiohttp that knows what it did.

Prints {"port": n} once it listens on 127.0.0.1. Each line "counts" on its input is answered by a line of what it counted so far;
the end of its input ends it.
"""

import asyncio
import json
import socket
import sys

from aiohttp import WSMsgType, web

counts = dict.fromkeys(["connections", "received", "received_binary", "received_bytes", "sent"], 0)
close_codes = {}


async def serve_connection(request):
    peer = web.WebSocketResponse(max_msg_size=0)
    await peer.prepare(request)
    counts["connections"] += 1
    async for message in peer:
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            break
        binary = message.type is WSMsgType.BINARY
        counts["received"] += 1
        counts["received_binary"] += binary
        counts["received_bytes"] += len(message.data if binary else message.data.encode())
        counts["sent"] += 1
        await (peer.send_bytes if binary else peer.send_str)(message.data)
    code = str(peer.close_code)
    close_codes[code] = close_codes.get(code, 0) + 1
    return peer


async def answer_questions():
    questions = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    while await questions.readline() == b"counts\n":
        print(json.dumps(counts | {"close_codes": close_codes}), flush=True)


async def main():
    application = web.Application()
    application.router.add_get("/", serve_connection)
    runner = web.AppRunner(application)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    await web.SockSite(runner, listening, backlog=1024).start()
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    await answer_questions()


asyncio.run(main())
