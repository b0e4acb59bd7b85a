"""A Django project of nothing but a chat room."""

import os

SECRET_KEY = "of a server that lives for one test, on this machine alone"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["channels"]
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # By default a layer drops what exceeds 100 messages, or waits for a minute.
        "CONFIG": {"hosts": [os.environ["REDIS_URL"]], "capacity": 100_000, "expiry": 600},
    }
}
