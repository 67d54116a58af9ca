"""How the web site is put together from its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import version
from typing import Any

from treq.client import HTTPClient
from twisted.web.client import Agent

from trackd.figures import Figure
from trackd.live.hub import Hub
from trackd.live.socket import SocketResource
from trackd.people.setup import Setup
from trackd.rest.routes import Dialect
from trackd.rest.services import Services
from trackd.settings import Settings
from trackd.web.forward import Forward
from trackd.web.metrics import metrics
from trackd.web.mount import Api
from trackd.web.page import LivePage, Tiles
from trackd.web.proxies import Proxies
from trackd.web.root import Root
from trackd.web.setup import Pages
from trackd.web.site import Site
from trackd.wire.catalog import names, part


def site(
    reactor: Any,
    settings: Settings,
    services: Services,
    setup: Setup,
    hub: Hub,
    figures: Callable[[], Iterable[Figure]],
) -> Site:
    """
    The web site: each REST dialect under its prefix with its sockets, our own pages, the files of a web client, the
    `figures` for whom the first dialect knows as an administrator.
    """
    proxies = Proxies(settings["web.proxies"])
    spoken: list[Dialect] = [part("plugins.rest", name, "dialect") for name in names("plugins.rest")]
    spoken.sort(key=lambda one: one.prefix)  # one may be inside another
    sockets = [part("plugins.live", name, "dialect") for name in names("plugins.live")]
    root = Root(
        Pages(setup, proxies),
        LivePage(
            Tiles(settings["live.tiles.url"], settings["live.tiles.attribution"]), version("trackd"), spoken[0].prefix
        ),
        settings["web.path"],
        next(phones(reactor, settings), None),
    )
    made = Site(root, reactor, settings["web.body"], settings["web.connections"])
    apis: dict[str, Api] = {}
    for dialect in spoken:
        api = apis[dialect.prefix] = Api(dialect, services, proxies, reactor)
        above, _, name = dialect.prefix.rpartition("/")
        apis.get(above, root).putChild(name.encode(), api)
        for socket in sockets:
            if dialect.listener is not None and socket.name == dialect.name:
                opens = partial(dialect.listener, services)
                api.putChild(socket.path.encode(), SocketResource(hub, socket, opens, made.taken_over))
    page = metrics(spoken[0], settings["metrics.allow"], figures)
    root.putChild(page.prefix.strip("/").encode(), Api(page, services, proxies, reactor))
    return made


def phones(reactor: Any, settings: Settings) -> Iterator[Forward]:
    """The formats to which the web port passes on what phones send."""
    for name, format in settings.formats.items():
        if format.web and not settings[f"{name}.ssl"]:
            address = next(iter(settings[f"{name}.address"]), "")
            yield Forward(HTTPClient(Agent(reactor)), address, settings[f"{name}.port"])
