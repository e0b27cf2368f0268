"""Warnings of ``check`` about what a configuration means under the settings of gunicorn."""

import pytest
from gunicorn.config import Config

from wsgi_scgi.config.balancer_options import AdminOptions, BalancerOptions, MemberOptions
from wsgi_scgi.config.configuration import Balancer, Configuration, Source
from wsgi_scgi.config.server import CommandLine, server_config
from wsgi_scgi.config.serving_advice import advice_on_serving

SECRET = "0123456789abcdef"
POOL = Balancer(
    name="pool",
    options=BalancerOptions(),
    members=(MemberOptions.from_values({"url": "scgi://h"}),),
)
SOURCE = Source("gateway.toml", {("state", "share"): 7, ("admin",): 8, ("admin", "users"): 9})


def advice(
    *,
    balancer: bool = False,
    admin: AdminOptions | None = None,
    share: str = "workers",
    **server: object,
) -> list[str]:
    configuration = Configuration(
        routes=(),
        balancers={"pool": POOL} if balancer else {},
        admin=admin,
        share=share,
        server=server,
        source=SOURCE,
    )
    config = server_config(configuration, CommandLine())
    return [str(one) for one in advice_on_serving(configuration, config)]


TOKEN = AdminOptions(path="/gateway/", token=SECRET)


def test_more_workers_than_can_share_the_state_are_told() -> None:
    told = (
        "gateway.toml:7: share: warning: 65 workers: at most 64 processes can share the state, the"
        " others know only what they do themselves"
    )
    assert advice(balancer=True, workers=65) == [told]
    assert advice(admin=TOKEN, workers=65) == [told]
    assert advice(balancer=True, workers=64) == []
    assert advice(balancer=True, workers=65, share="none") == []
    assert advice(workers=65) == []


@pytest.mark.parametrize("bind", ["127.0.0.1:8000", "[::1]:8000", "unix:/run/x", "localhost:80"])
def test_a_token_stays_on_this_machine(bind: str) -> None:
    assert advice(admin=TOKEN, bind=bind) == []


def test_a_token_that_can_be_read_on_the_way_is_told() -> None:
    assert advice(admin=TOKEN, bind=["127.0.0.1:8000", "0.0.0.0:8001"]) == [
        "gateway.toml:8: path: warning: the gateway listens beyond this machine without TLS"
        " (certfile, keyfile), so the token can be read on the way"
    ]
    assert advice(bind="0.0.0.0:8000") == []


def test_tls_keeps_a_token_from_being_read() -> None:
    config = Config()
    for name, value in (("bind", "0.0.0.0:8000"), ("certfile", "/etc/cert.pem")):
        config.set(name, value)
    configuration = Configuration(routes=(), admin=TOKEN)
    assert list(advice_on_serving(configuration, config)) == []


def test_users_need_somebody_who_says_who_they_are() -> None:
    assert advice(admin=AdminOptions(path="/gateway/", users=frozenset({"anna"}))) == [
        "gateway.toml:9: users: warning: only an application around the gateway can say who a user"
        " is, under wsgi-scgi serve nobody does"
    ]
