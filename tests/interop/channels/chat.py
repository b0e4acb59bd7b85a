"""The chat room: who logs in and joins it is told all that is said in it."""

import collections

from channels.generic.websocket import AsyncJsonWebsocketConsumer

# What was heard and said, by operation; all consumers are in one process.
heard = collections.Counter()
said = collections.Counter()
gone = collections.Counter()


class ChatConsumer(AsyncJsonWebsocketConsumer):
    groups = []
    name = None
    room = None

    async def receive_json(self, message):
        operation = message["op"]
        heard[operation] += 1
        if operation == "login":
            self.name = message["name"]
            await self.say("welcome", id=message["id"], name=self.name)
        elif self.name is None:
            await self.say("refused", id=message["id"])
        elif operation == "join":
            self.room = message["room"]
            await self.channel_layer.group_add(self.room, self.channel_name)
            await self.say("joined", id=message["id"])
        elif self.room is None:
            await self.say("refused", id=message["id"])
        elif operation == "say":
            await self.channel_layer.group_send(self.room, {"type": "broadcast", "name": self.name, "text": message["text"]})
            await self.say("taken", id=message["id"])

    async def broadcast(self, event):
        await self.say("said", name=event["name"], text=event["text"])

    async def say(self, operation, **members):
        said[operation] += 1
        await self.send_json({"op": operation, **members})

    async def disconnect(self, code):
        gone[str(code)] += 1
        if self.room is not None:
            await self.channel_layer.group_discard(self.room, self.channel_name)
