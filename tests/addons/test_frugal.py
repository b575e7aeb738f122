"""What has no response and no WebSocket is left as it is."""

from __future__ import annotations

from mitmproxy.test import tflow

from addons.frugal import Frugal


def test_a_flow_without_an_answer_or_messages_is_left_alone() -> None:
    flow = tflow.tflow()
    Frugal().responseheaders(flow)
    Frugal().websocket_message(flow)
    assert (flow.response, flow.websocket) == (None, None)
