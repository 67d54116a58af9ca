"""
What Home Assistant does with its library pytraccar, on an event loop of its own: `python -m tests.rest.home_assistant`.

Arguments: web port, e-mail address, password, port of the devices, unique id. Prints what the library has understood,
as one object of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import aiohttp
from pytraccar import ApiClient


async def main(web: str, email: str, password: str, port: str, unique_id: str) -> None:
    # Cookies of an address that is no name are kept only on request.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        client = ApiClient("127.0.0.1", email, password, session, port=int(web))
        said: dict[str, Any] = {
            "server": await client.get_server(),
            "devices": await client.get_devices(),
            "geofences": await client.get_geofences(),
            "positions": await client.get_positions(),
        }
        heard: dict[str, Any] = {}
        greeted, told = asyncio.Event(), asyncio.Event()

        async def hear(data: Any) -> None:
            for name, values in data.items():
                if values is not None:
                    heard.setdefault(name, []).extend(values)
            greeted.set()
            if heard.get("positions"):
                told.set()

        listening = asyncio.create_task(client.subscribe(hear))
        await asyncio.wait_for(greeted.wait(), 10)
        said["status"] = client.subscription_status
        async with session.get(f"http://127.0.0.1:{port}/?id={unique_id}&lat=48.1&lon=11.5&speed=7") as answer:
            said["report"] = answer.status
        await asyncio.wait_for(told.wait(), 10)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        print(json.dumps(said | {"heard": heard}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
