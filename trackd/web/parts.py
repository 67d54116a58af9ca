"""How the web site is put together from its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import version
from typing import Any

from treq.client import HTTPClient
from twisted.web.client import Agent

from trackd.figures import Figure
from trackd.live.dialect import Dialect as Socket
from trackd.live.dialect import Notices
from trackd.live.hub import Hub
from trackd.live.socket import SocketResource
from trackd.people.setup import Setup
from trackd.rest.routes import Dialect
from trackd.rest.services import Services
from trackd.settings import Settings
from trackd.web.forward import Forward, Straight
from trackd.web.media import DeviceFiles
from trackd.web.metrics import metrics
from trackd.web.mount import Api
from trackd.web.page import LivePage, Tiles
from trackd.web.proxies import Proxies
from trackd.web.root import Root
from trackd.web.sending import Thread
from trackd.web.setup import Pages
from trackd.web.site import Site
from trackd.web.static import Files
from trackd.wire.catalog import names, part


def site(
    reactor: Any,
    settings: Settings,
    services: Services,
    setup: Setup,
    hub: Hub,
    notices: Notices,
    thread: Thread,
    figures: Callable[[], Iterable[Figure]],
) -> Site:
    """
    The web site: each REST dialect under its prefix with its sockets, the own pages, the files of a web client, the
    `figures` for whom the first dialect knows as an administrator.
    """
    proxies = Proxies(settings["web.proxies"])
    spoken: list[Dialect] = [part("plugins.rest", name, "dialect") for name in names("plugins.rest")]
    spoken.sort(key=lambda one: one.prefix)  # one may be inside another
    sockets: list[Socket] = [part("plugins.live", name, "dialect") for name in names("plugins.live")]
    sockets = [socket.noticing(notices) for socket in sockets]
    first = next(dialect for dialect in spoken if dialect.listener is not None)
    folders = [settings["web.override"], settings["web.path"]]
    places = None if first.placeholders is None else partial(first.placeholders, services)
    files, override = (
        Files([folder for folder in some if folder is not None], thread, reactor, places, settings["web.cacheControl"])
        for some in (folders, folders[:1])
    )
    root = Root(
        Pages(setup, proxies),
        LivePage(
            Tiles(settings["live.tiles.url"], settings["live.tiles.attribution"]), version("trackd"), first.prefix
        ),
        files,
        override if override.folders else None,
        next(phones(reactor, settings), None),
    )
    made = Site(root, reactor, settings["web.body"], settings["web.connections"], hub.share, settings["web.bodies"])
    apis: dict[str, Api] = {}
    for dialect in spoken:
        api = apis[dialect.prefix] = Api(dialect, services, proxies, reactor)
        above, _, name = dialect.prefix.rpartition("/")
        apis.get(above, root).putChild(name.encode(), api)
        for socket in sockets:
            if dialect.listener is not None and socket.name == dialect.name:
                opens = partial(dialect.listener, services)
                api.putChild(socket.path.encode(), SocketResource(hub, socket, opens, made.taken_over))
        if dialect.media and dialect.listener is not None and settings["media.path"] is not None:
            shown = DeviceFiles(services, dialect.listener, settings["media.path"], thread, reactor)
            api.putChild(dialect.media.encode(), shown)
    page = metrics(first, settings["metrics.allow"], figures)
    root.putChild(page.prefix.strip("/").encode(), Api(page, services, proxies, reactor))
    return made


def phones(reactor: Any, settings: Settings) -> Iterator[Forward]:
    """The formats to which the web port passes on what phones send."""
    for name, format in settings.formats.items():
        if format.web and not settings[f"{name}.ssl"]:
            address = next(iter(settings[f"{name}.address"]), "")
            yield Forward(
                HTTPClient(Agent.usingEndpointFactory(reactor, Straight(reactor))), address, settings[f"{name}.port"]
            )
